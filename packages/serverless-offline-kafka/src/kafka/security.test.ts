import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { AccessConfiguration } from "../config/types.ts";
import { type KafkaSecurity, resolveSecurity } from "./security.ts";

const ARN = "arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka-abc";

function access(type: AccessConfiguration["type"], uri = ARN): AccessConfiguration {
  return { type, uri };
}

const LOGIN_SECRET = JSON.stringify({ username: "agent", password: "hunter2" });

describe("a login", () => {
  test.each([
    ["BASIC_AUTH", "plain"],
    ["SASL_SCRAM_256_AUTH", "scram-sha-256"],
    ["SASL_SCRAM_512_AUTH", "scram-sha-512"],
  ] as const)("of %s is SASL %s, without TLS unless asked for", async (type, mechanism) => {
    const sasl = { mechanism, username: "agent", password: "hunter2" };
    const read = jest.fn(async (_arn: string) => LOGIN_SECRET);

    expect(await resolveSecurity([access(type)], read)).toStrictEqual({ sasl });
    expect(await resolveSecurity([access(type)], read, { tls: true })).toStrictEqual({ ssl: true, sasl });
    expect(read).toHaveBeenCalledWith(ARN);
  });

  test("that is not what AWS documents is refused, without a word of it", async () => {
    for (const secret of [
      "hunter2",
      '{"username": "hunter2"}',
      '{"username": "hunter2", "password": 2}',
      "null",
      '"hunter2"',
    ]) {
      const error = await resolveSecurity([access("BASIC_AUTH")], async () => secret).catch((error: unknown) => error);

      expect(error).toMatchObject({
        code: "SOK_SECRET_INVALID",
        message: `The secret ${ARN} (BASIC_AUTH) has to be JSON: {"username": "…", "password": "…"}`,
      });
      expect(error).not.toHaveProperty("cause");
    }
  });

  test("of two kinds is refused", async () => {
    const both = [access("BASIC_AUTH"), access("SASL_SCRAM_512_AUTH")];

    await expect(resolveSecurity(both, async () => LOGIN_SECRET)).rejects.toMatchObject({
      code: "SOK_AUTHENTICATION_INVALID",
      message: "One mapping has BASIC_AUTH, SASL_SCRAM_512_AUTH: keep one of them",
    });
  });
});

test("nothing configured is nothing to do", async () => {
  expect(await resolveSecurity([], async () => "")).toStrictEqual({});
});

describe("certificates", () => {
  const folder = mkdtempSync(join(tmpdir(), "sok-security-"));
  const file = (name: string) => join(folder, name);
  const text = (name: string) => readFileSync(file(name), "utf8");
  const openssl = (...args: readonly string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });

  beforeAll(() => {
    const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl("req", "-x509", ...ec, "-subj", "/CN=ca", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem");
    for (const name of ["broker", "client"]) {
      const issue = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=DNS:localhost"];
      const out = ["-days", "2", "-keyout", `${name}.key`, "-out", `${name}.pem`];
      openssl("req", "-x509", ...ec, "-subj", `/CN=${name}`, ...issue, ...out);
    }
    const encrypt = ["pkcs8", "-topk8", "-in", "client.key", "-passout", "pass:hunter2"];
    openssl(...encrypt, "-v2", "aes-256-cbc", "-out", "pbes2.key");
    openssl(...encrypt, "-v1", "PBE-SHA1-3DES", "-out", "pbes1.key");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Resolves with the name in the certificate that a broker with mutual TLS saw. */
  async function handshake(ssl: KafkaSecurity["ssl"]): Promise<string> {
    const options = { ca: text("ca.pem"), cert: text("broker.pem"), key: text("broker.key"), requestCert: true };
    const seen = Promise.withResolvers<string>();
    const server = createServer(options, (socket) => {
      seen.resolve(String(socket.getPeerCertificate().subject.CN));
      socket.end();
    });
    server.on("tlsClientError", seen.reject);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ...(ssl === true ? {} : ssl) });
    socket.on("error", seen.reject);
    try {
      return await seen.promise;
    } finally {
      socket.destroy();
      server.close();
    }
  }

  /** Secrets by their ARN. */
  const reader = (secrets: Readonly<Record<string, unknown>>) => async (arn: string) => JSON.stringify(secrets[arn]);
  const MUTUAL = [access("CLIENT_CERTIFICATE_TLS_AUTH", "client"), access("SERVER_ROOT_CA_CERTIFICATE", "ca")];

  test.each([
    ["as it is", "client.key", {}, 0],
    ["encrypted with PBES1", "pbes1.key", { privateKeyPassword: "hunter2" }, 0],
    ["encrypted with PBES2, with a warning", "pbes2.key", { privateKeyPassword: "hunter2" }, 1],
  ])("open a connection with mutual TLS, the key %s", async (_how, key, password, warnings) => {
    const warn = jest.fn();
    const client = { certificate: text("client.pem"), privateKey: text(key), ...password };

    const security = await resolveSecurity(MUTUAL, reader({ client, ca: { certificate: text("ca.pem") } }), { warn });

    expect(security.sasl).toBeUndefined();
    expect(await handshake(security.ssl)).toBe("client");
    expect(warn).toHaveBeenCalledTimes(warnings);
  });

  test("of a CA alone turn TLS on, beside a login", async () => {
    const read = async (arn: string) => (arn === ARN ? LOGIN_SECRET : JSON.stringify({ certificate: text("ca.pem") }));

    const security = await resolveSecurity([access("BASIC_AUTH"), access("SERVER_ROOT_CA_CERTIFICATE", "ca")], read);

    expect(security).toMatchObject({ ssl: { ca: text("ca.pem") }, sasl: { mechanism: "plain" } });
  });

  test("are not even read when TLS is turned off", async () => {
    expect(await resolveSecurity(MUTUAL, () => Promise.reject(new Error("unreadable")), { tls: false })).toStrictEqual(
      {},
    );
  });

  test("may have their lines as AWS's examples have them, and the JSON its own", async () => {
    const secret = `{\n  "certificate": "${text("ca.pem").trim()}"\n}`;

    const security = await resolveSecurity([access("SERVER_ROOT_CA_CERTIFICATE")], async () => secret);

    expect(security.ssl).toEqual({ ca: text("ca.pem").trim() });
  });

  test.each([
    ["a wrong password", { key: "pbes2.key", privateKeyPassword: "wrong" }],
    ["no password", { key: "pbes2.key" }],
    ["another's key", { key: "broker.key" }],
  ])("are refused with %s, without a word of the secret", async (_what, { key, ...password }) => {
    const client = { certificate: text("client.pem"), privateKey: text(key), ...password };

    const error = await resolveSecurity(MUTUAL.slice(0, 1), reader({ client })).catch((error: unknown) => error);

    expect(error).toMatchObject({
      code: "SOK_SECRET_INVALID",
      message: expect.stringMatching(/^The secret client \(CLIENT_CERTIFICATE_TLS_AUTH\) cannot be used: /),
    });
    expect(String(error)).not.toContain("wrong");
  });

  test("that are no certificates are refused", async () => {
    const noCertificate = { certificate: "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----" };

    await expect(resolveSecurity(MUTUAL.slice(1), reader({ ca: noCertificate }))).rejects.toMatchObject({
      code: "SOK_SECRET_INVALID",
    });
    await expect(resolveSecurity(MUTUAL.slice(0, 1), reader({ client: noCertificate }))).rejects.toThrow(
      'has to be JSON: {"certificate": "…", "privateKey": "…"}, and "privateKeyPassword" where it has one',
    );
  });
});
