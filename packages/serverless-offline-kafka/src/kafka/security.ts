import { X509Certificate } from "node:crypto";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import type { KafkaConfig, SASLOptions } from "kafkajs";
import type { AccessConfiguration } from "../config/types.ts";
import { ANSWER_MS_MAX, awsReasonOf, clientOptions, loadClient } from "../destinations/aws-sdk.ts";
import { withDeadline } from "../destinations/deadline.ts";
import { MappingError } from "../errors.ts";

/** What kafkajs needs to be let in. */
export interface KafkaSecurity extends Pick<KafkaConfig, "ssl" | "sasl"> {
  readonly ssl?: ConnectionOptions | true;
  readonly sasl?: SASLOptions;
}

export interface SecurityOptions {
  /**
   * On AWS every login is over TLS [kafka-cluster-auth]. Local brokers mostly listen without: unless this says
   * otherwise, TLS is used where a root CA or a client certificate is configured, and nowhere else. `false` leaves the
   * certificates unread, for a local broker that needs none of what the one on AWS does.
   */
  readonly tls?: boolean;
  /** Hears of what works here and not on AWS. */
  readonly warn?: (line: string) => void;
}

type AccessType = AccessConfiguration["type"];

/** Fields of a secret; those of `optional` may be absent. */
interface Shape<Field extends string, Optional extends string = never> {
  readonly fields: readonly Field[];
  readonly optional: readonly Optional[];
}

const LOGIN: Shape<"username" | "password"> = { fields: ["username", "password"], optional: [] };
const CLIENT_CERTIFICATE: Shape<"certificate" | "privateKey", "privateKeyPassword"> = {
  fields: ["certificate", "privateKey"],
  optional: ["privateKeyPassword"],
};
const ROOT_CA: Shape<"certificate"> = { fields: ["certificate"], optional: [] };

const SASL_MECHANISMS = {
  BASIC_AUTH: "plain",
  SASL_SCRAM_256_AUTH: "scram-sha-256",
  SASL_SCRAM_512_AUTH: "scram-sha-512",
} as const satisfies Partial<Record<AccessType, SASLOptions["mechanism"]>>;

/**
 * Reads the secrets that a mapping authenticates with, and checks that they can be used.
 *
 * @throws {MappingError} SOK_AUTHENTICATION_INVALID for more than one of a kind, SOK_SECRET_INVALID, and whatever
 *   `readSecret` rejects with. No message and no cause has anything of a secret in it.
 */
export async function resolveSecurity(
  access: readonly AccessConfiguration[],
  readSecret: (arn: string) => Promise<string>,
  options: SecurityOptions = {},
): Promise<KafkaSecurity> {
  const login = onlyOne(access.filter(({ type }) => type in SASL_MECHANISMS));
  const rootCa = onlyOne(access.filter(({ type }) => type === "SERVER_ROOT_CA_CERTIFICATE"));
  const certificate = onlyOne(access.filter(({ type }) => type === "CLIENT_CERTIFICATE_TLS_AUTH"));

  const sasl = login && (await readLogin(login, readSecret));
  const encrypted = options.tls ?? (rootCa !== undefined || certificate !== undefined);
  if (!encrypted) return { ...(sasl && { sasl }) };
  const tls: ConnectionOptions = {
    ...(rootCa && (await readRootCa(rootCa, readSecret))),
    ...(certificate && (await readClientCertificate(certificate, readSecret, options.warn))),
  };
  return { ssl: Object.keys(tls).length > 0 ? tls : true, ...(sasl && { sasl }) };
}

/**
 * Reads a secret's text from AWS Secrets Manager, or from what AWS_ENDPOINT_URL says stands in for it.
 *
 * @throws {MappingError} SOK_SECRET_MISSING, SOK_SECRET_INVALID when it has no text, SOK_DEPENDENCY_MISSING
 */
export async function readSecret(arn: string, region: string): Promise<string> {
  const sdk = await loadClient("@aws-sdk/client-secrets-manager", () => import("@aws-sdk/client-secrets-manager"));
  const client = new sdk.SecretsManagerClient(clientOptions({ region }));
  let text: string | undefined;
  try {
    text = await withDeadline(ANSWER_MS_MAX, async (abortSignal) => {
      const command = new sdk.GetSecretValueCommand({ SecretId: arn });
      return (await client.send(command, { abortSignal })).SecretString;
    });
  } catch (cause) {
    const reason = awsReasonOf(cause);
    throw new MappingError("SOK_SECRET_MISSING", `The secret ${arn} could not be read: ${reason}`, { cause });
  } finally {
    client.destroy();
  }
  if (text === undefined) {
    throw new MappingError("SOK_SECRET_INVALID", `The secret ${arn} is binary: store it as a string of JSON`);
  }
  return text;
}

/** AWS refuses a mapping that has several. */
function onlyOne(access: readonly AccessConfiguration[]): AccessConfiguration | undefined {
  if (access.length > 1) {
    const types = access.map(({ type }) => type).join(", ");
    throw new MappingError("SOK_AUTHENTICATION_INVALID", `One mapping has ${types}: keep one of them`);
  }
  return access[0];
}

async function readLogin(access: AccessConfiguration, read: (arn: string) => Promise<string>): Promise<SASLOptions> {
  const mechanism = SASL_MECHANISMS[access.type as keyof typeof SASL_MECHANISMS];
  const { username, password } = await readFields(access, LOGIN, read);
  return { mechanism, username, password };
}

async function readRootCa(
  access: AccessConfiguration,
  read: (arn: string) => Promise<string>,
): Promise<ConnectionOptions> {
  const { certificate } = await readFields(access, ROOT_CA, read);
  // Not by a secure context, which takes anything for a CA.
  check(access, () => new X509Certificate(certificate));
  return { ca: certificate };
}

async function readClientCertificate(
  access: AccessConfiguration,
  read: (arn: string) => Promise<string>,
  warn: (line: string) => void = () => {},
): Promise<ConnectionOptions> {
  const { certificate, privateKey, privateKeyPassword } = await readFields(access, CLIENT_CERTIFICATE, read);
  const options = {
    cert: certificate,
    key: privateKey,
    ...(privateKeyPassword !== undefined && { passphrase: privateKeyPassword }),
  };
  check(access, () => createSecureContext(options));
  if (isPbes2(privateKey)) {
    warn(
      `the private key in ${access.uri} is encrypted with PBES2, which Lambda does not take on AWS: ` +
        "convert it with 'openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES'",
    );
  }
  return options;
}

function check(access: AccessConfiguration, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    // What OpenSSL says is about the form: "no start line", "bad decrypt", "key values mismatch".
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MappingError("SOK_SECRET_INVALID", `${nameOf(access)} cannot be used: ${reason}`, { cause });
  }
}

async function readFields<Field extends string, Optional extends string>(
  access: AccessConfiguration,
  shape: Shape<Field, Optional>,
  read: (arn: string) => Promise<string>,
): Promise<Record<Field, string> & Partial<Record<Optional, string>>> {
  const content = parseObject(await read(access.uri));
  const isText = (name: string) => typeof content?.[name] === "string" && content[name] !== "";
  const isRight =
    shape.fields.every(isText) && shape.optional.every((name) => content?.[name] === undefined || isText(name));
  if (!isRight) {
    const expected = shape.fields.map((name) => `"${name}": "…"`).join(", ");
    const more = shape.optional.map((name) => `, and "${name}" where it has one`).join("");
    throw new MappingError("SOK_SECRET_INVALID", `${nameOf(access)} has to be JSON: {${expected}}${more}`);
  }
  // The lines above have looked at each of the names.
  return content as Record<Field, string> & Partial<Record<Optional, string>>;
}

function nameOf({ type, uri }: AccessConfiguration): string {
  return `The secret ${uri} (${type})`;
}

/** undefined for what is no object. The parser's own error quotes what it could not read, so it must not get out. */
function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(escapeLineBreaks(text));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** AWS's examples have the lines of a certificate within a string as they are, which JSON forbids. */
function escapeLineBreaks(text: string): string {
  return text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, (string) => string.replaceAll(/\r?\n/g, "\\n"));
}

/** PKCS #5's object identifier 1.2.840.113549.1.5.13, in DER. */
const PBES2_OID = Buffer.from("06092a864886f70d01050d", "hex");
/** An encrypted key begins with its algorithm, after two headers of at most five bytes each. */
const PBES2_OID_END_MAX = 2 * 5 + PBES2_OID.length;

/** "Lambda supports the PBES1 (but not PBES2) private key encryption algorithms" [kafka-cluster-auth, mtls-auth-secret]. */
function isPbes2(privateKey: string): boolean {
  const body = /-----BEGIN ENCRYPTED PRIVATE KEY-----([^-]+)-----END/.exec(privateKey)?.[1] ?? "";
  return Buffer.from(body, "base64").subarray(0, PBES2_OID_END_MAX).includes(PBES2_OID);
}
