import http, { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/protocols";
import { SignatureV4 } from "@smithy/signature-v4";
import { type Answer, type AwsCredentials, type SigningProxy, startSigningProxy } from "./signing-proxy.ts";

const region = "eu-central-1";
const known: AwsCredentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret", sessionToken: "session" };

interface Asked {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let api: Server;
let proxy: SigningProxy;
let asked: Asked[];
let answers: Answer[];
/** What credentials are found, each time somebody looks. */
let found: (() => Promise<AwsCredentials>)[];
/** What the function says, in place of API Gateway. */
let functionAnswers: { status: number; headers: Record<string, string>; body: Buffer };

const ofFunction = { "content-security-policy": "default-src 'none'" };

/** Whether a request is signed with the known credentials, computed anew from what has arrived. */
async function isSigned({ method, url, headers, body }: Asked): Promise<boolean> {
  const authorization = headers.authorization ?? "";
  const [, names = ""] = /SignedHeaders=([^,]+)/.exec(authorization) ?? [];
  const signed = names.split(";").filter((name) => !/^x-amz-(date|security-token|content-sha256)$/.test(name));
  const [path = "", search = ""] = url.split("?");
  const query: Record<string, string[]> = {};
  for (const part of search === "" ? [] : search.split("&")) {
    const [name = "", value = ""] = part.split("=").map(decodeURIComponent);
    query[name] = [...(query[name] ?? []), value];
  }
  const date = String(headers["x-amz-date"]).replace(/(....)(..)(..T..)(..)(..Z)/, "$1-$2-$3:$4:$5");
  const again = await new SignatureV4({ service: "execute-api", region, credentials: known, sha256: Sha256 }).sign(
    new HttpRequest({
      method,
      hostname: "unused",
      path,
      query,
      headers: Object.fromEntries(signed.map((name) => [name, String(headers[name])])),
      body,
    }),
    { signingDate: new Date(date) },
  );
  return again.headers["authorization"] === authorization && headers["x-amz-security-token"] === known.sessionToken;
}

/** Stands in for API Gateway with a function behind it. */
beforeEach(async () => {
  asked = [];
  answers = [];
  found = [];
  functionAnswers = { status: 200, headers: ofFunction, body: Buffer.from("{}") };
  api = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", async () => {
      const { method = "", url = "", headers } = request;
      const each = { method, url, headers, body };
      asked.push(each);
      if (await isSigned(each))
        response.writeHead(functionAnswers.status, functionAnswers.headers).end(functionAnswers.body);
      else {
        const message = "The security token included in the request is expired";
        response.writeHead(403, { "content-type": "application/json" }).end(JSON.stringify({ message }));
      }
    });
  });
  await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
  proxy = await startSigningProxy({
    api: new URL(`http://127.0.0.1:${(api.address() as AddressInfo).port}`),
    region,
    findCredentials: () => found.shift() ?? (async () => known),
    port: 0,
    onAnswer: (answer) => answers.push(answer),
  });
});

afterEach(async () => {
  await proxy.close();
  api.closeAllConnections();
  api.close();
});

interface Question {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** As a browser would ask, with a path and headers as they are written here. */
function ask(path: string, { method = "GET", headers = {}, body }: Question = {}) {
  const { hostname, port } = new URL(proxy.url);
  return new Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }>((resolve, reject) => {
    http
      .request({ hostname, port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      })
      .once("error", reject)
      .end(body);
  });
}

const errorOf = (body: Buffer) => (JSON.parse(body.toString()) as { error: { code: string; message: string } }).error;

describe("what is asked", () => {
  test.each([
    "/",
    "/api/alerts?user=1234&text=a+b%26c&text=%C3%A4&empty=",
    "/api/topics/__debezium-heartbeat.dbserver1/messages?from=2026-11-24T12%3A00%3A00Z",
    "/api/groups/a%20group%2Fof%20(mine)*/offsets",
  ])("is signed: %s", async (path) => {
    expect(await ask(path)).toMatchObject({ status: 200, body: Buffer.from("{}") });
    expect(asked[0]?.url.split("?")[0]).toBe(path.split("?")[0]);
  });

  test("keeps its parameters", async () => {
    await ask("/api/alerts?text=a+b%26c&text=%C3%A4&empty=");
    const { searchParams } = new URL(asked[0]?.url ?? "", "http://x");
    expect([...searchParams]).toEqual([
      ["text", "a b&c"],
      ["text", "ä"],
      ["empty", ""],
    ]);
  });

  test("is signed with its body, and carries what the function looks at and nothing else of the browser's", async () => {
    const headers = {
      "content-type": "application/json",
      "x-tripline-action": "1",
      "sec-fetch-site": "same-origin",
      origin: proxy.url,
      cookie: "somebody=else",
      authorization: "none",
    };
    expect(await ask("/api/x", { method: "POST", headers, body: '{"note":"ä"}' })).toMatchObject({ status: 200 });
    expect(asked[0]).toMatchObject({ method: "POST", body: '{"note":"ä"}', headers: { "x-tripline-action": "1" } });
    expect(asked[0]?.headers["sec-fetch-site"]).toBe("same-origin");
    expect(asked[0]?.headers.authorization).toMatch(/^AWS4-HMAC-SHA256 .*SignedHeaders=content-type;host;/);
    expect(asked[0]?.headers).not.toHaveProperty("cookie");
    expect(asked[0]?.headers).not.toHaveProperty("origin");
  });

  test.each([
    ["another name that points here", "/", { headers: { host: "console.example.com" } }],
    ["another site's page", "/api/x", { method: "POST", headers: { "sec-fetch-site": "cross-site" } }],
    ["a page of another port", "/api/x", { method: "POST", headers: { origin: "http://127.0.0.1:3000" } }],
    ["a page that wants to read", "/api/alerts", { headers: { origin: "https://example.com" } }],
    ["a page without an origin", "/api/x", { method: "POST", headers: { origin: "null" } }],
    ["an address of another server", "http://example.com/", {}],
    ["an address that begins as another server's", "//example.com/", {}],
  ] as [string, string, Question][])("is refused to %s", async (_, path, question) => {
    const { status, body } = await ask(path, question);
    expect([status, errorOf(body).code]).toEqual([403, "FORBIDDEN"]);
    expect(asked).toEqual([]);
  });

  test("is taken from a link on another site's page, and from whoever has no browser", async () => {
    const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect(await ask("/alerts", { headers: link })).toMatchObject({ status: 200 });
    expect(await ask("/api/x", { method: "POST", headers: { host: "localhost:8080" } })).toMatchObject({ status: 200 });
  });

  test("has an end", async () => {
    const { status, body } = await ask("/api/x", { method: "POST", body: "x".repeat(1_100_000) });
    expect([status, errorOf(body).code]).toEqual([413, "INVALID"]);
    expect(asked).toEqual([]);
  });
});

describe("what is answered", () => {
  test("comes as it is, compressed or refused by the function", async () => {
    const page = "<!doctype html>".repeat(1_000);
    const headers = { ...ofFunction, "content-encoding": "gzip", "content-type": "text/html" };
    functionAnswers = { status: 200, headers, body: gzipSync(page) };
    const compressed = await ask("/", { headers: { "accept-encoding": "gzip" } });
    expect(compressed.headers).toMatchObject({ "content-encoding": "gzip", "content-type": "text/html" });
    expect(gunzipSync(compressed.body).toString()).toBe(page);

    const refusal = JSON.stringify({ error: { code: "READ_ONLY", message: "This console only shows." } });
    functionAnswers = { status: 403, headers: ofFunction, body: Buffer.from(refusal) };
    expect(await ask("/api/x")).toMatchObject({ status: 403, body: Buffer.from(refusal) });
  });

  test("can be read by no other page, whatever the API says", async () => {
    functionAnswers.headers = { ...ofFunction, "access-control-allow-origin": "*" };
    expect((await ask("/")).headers).not.toHaveProperty("access-control-allow-origin");
  });

  test("is told line by line to whoever wants to see it", async () => {
    await ask("/api/overview");
    await ask("//x");
    expect(answers).toEqual([
      { method: "GET", path: "/api/overview", status: 200, milliseconds: expect.any(Number) },
      { method: "GET", path: "//x", status: 403, milliseconds: expect.any(Number) },
    ]);
  });
});

describe("credentials", () => {
  const restart = async (...ways: (() => Promise<AwsCredentials>)[]) => {
    await proxy.close();
    found = ways;
    proxy = await startSigningProxy({
      api: new URL(`http://127.0.0.1:${(api.address() as AddressInfo).port}`),
      region,
      findCredentials: () => found.shift() ?? (async () => known),
      port: 0,
    });
  };

  test("that have expired are looked for again, and API Gateway's words are the page's", async () => {
    await restart(async () => ({ ...known, sessionToken: "of yesterday" }));
    const { status, body } = await ask("/api/overview");
    expect(status).toBe(403);
    expect(errorOf(body)).toEqual({
      code: "FORBIDDEN",
      message: expect.stringMatching(/^API Gateway: The security token .* is expired\. Sign in again/),
    });
    expect(await ask("/api/overview")).toMatchObject({ status: 200 });
  });

  test("that cannot be found are missed in a sentence, until they are there", async () => {
    await restart(async () => {
      throw new Error("Could not load credentials from any providers.");
    });
    const { status, body } = await ask("/api/overview");
    expect([status, errorOf(body).message]).toEqual([403, expect.stringMatching(/any providers\)\. Sign in/)]);
    expect(await ask("/api/overview")).toMatchObject({ status: 200 });
  });
});

test("says that API Gateway does not answer", async () => {
  api.closeAllConnections();
  await new Promise((resolve) => api.close(resolve));
  const { status, body } = await ask("/api/overview");
  expect([status, errorOf(body)]).toEqual([
    503,
    { code: "UNAVAILABLE", message: expect.stringMatching(/ECONNREFUSED/) },
  ]);
});
