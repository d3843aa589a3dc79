import { Logger } from "@aws-lambda-powertools/logger";
import { beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { NewEntry } from "./audit.ts";
import { createHandler } from "./handler.ts";
import { ConsoleError } from "./http/errors.ts";
import type { HttpResponse } from "./http/event.ts";
import type { Authentication } from "./http/guard.ts";
import type { Route } from "./http/router.ts";
import { createPage } from "./page.ts";

const page = createPage({
  "index.html": "<!doctype html><title>Tripline</title>",
  "assets/main-1A2B.js": "let a;",
  "icon.svg": "<svg/>",
});

let noted: NewEntry[];
let acted: unknown[];

const routes: Route[] = [
  { method: "GET", path: "/api/things/:thing", view: async ({ path, actor }) => ({ thing: path["thing"], actor }) },
  {
    method: "GET",
    path: "/api/broken",
    view: async () => {
      throw new Error("password=secret in a stack trace");
    },
  },
  {
    method: "GET",
    path: "/api/stored",
    view: async () => {
      throw Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
    },
  },
  {
    method: "POST",
    path: "/api/things/:thing",
    action: ({ path, body }) =>
      (body as { preview?: boolean }).preview === true
        ? null
        : { name: "thing.change", target: path["thing"] as string },
    act: async ({ path, body }) => {
      acted.push(body);
      if (path["thing"] === "busy") throw new ConsoleError("CONFLICT", "It is busy.");
      return { done: true };
    },
  },
];

beforeEach(() => {
  noted = [];
  acted = [];
});

interface Options {
  readonly authentication?: Authentication;
  readonly readOnly?: boolean;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly userArn?: string;
  readonly logger?: Logger;
}

async function call(method: string, path: string, options: Options = {}): Promise<HttpResponse & { json: unknown }> {
  const { authentication = "loopback", readOnly = false, headers = {}, body, userArn, logger } = options;
  const handler = createHandler({
    authentication,
    readOnly,
    routes,
    page,
    audit: { note: async (entry) => void noted.push(entry) },
    logger: logger ?? new Logger({ logLevel: "SILENT" }),
  });
  const [rawPath = "", rawQueryString = ""] = path.split("?");
  const response = await handler({
    rawPath,
    rawQueryString,
    headers: { host: "127.0.0.1:8080", ...headers },
    requestContext: { http: { method }, ...(userArn === undefined ? {} : { authorizer: { iam: { userArn } } }) },
    body: body === undefined ? undefined : Buffer.from(body).toString("base64"),
    isBase64Encoded: true,
  });
  const text = response.isBase64Encoded ? Buffer.from(response.body, "base64").toString() : response.body;
  const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
  return { ...response, json: isJson ? JSON.parse(text) : text };
}

const action = { "content-type": "application/json", "x-tripline-action": "1", "sec-fetch-site": "same-origin" };

describe("a view", () => {
  test("is answered as JSON, with the named parts of its path decoded", async () => {
    const { statusCode, json, headers } = await call("GET", "/api/things/a%2Fb");
    expect([statusCode, json]).toEqual([200, { thing: "a/b", actor: "local" }]);
    expect(headers["cache-control"]).toBe("no-store");
  });

  test.each([
    ["GET", "/api/nothing", 404, "NOT_FOUND"],
    ["DELETE", "/api/things/a", 405, "METHOD"],
  ])("%s %s: %i %s", async (method, path, status, code) => {
    const { statusCode, json } = await call(method, path);
    expect([statusCode, json]).toMatchObject([status, { error: { code } }]);
  });

  test("takes a part of its path that was decoded before", async () => {
    expect((await call("GET", "/api/things/100%")).json).toMatchObject({ thing: "100%" });
  });

  test("that needs PostgreSQL says when that does not answer", async () => {
    const { statusCode, json } = await call("GET", "/api/stored");
    expect([statusCode, json]).toMatchObject([
      503,
      { error: { code: "UNAVAILABLE", message: expect.stringMatching(/^PostgreSQL: connect/) } },
    ]);
  });

  test("with a character that PostgreSQL has not is refused", async () => {
    for (const path of ["/api/things/a%00", "/api/things/a?agent=%00"]) {
      expect((await call("GET", path)).statusCode).toBe(400);
    }
  });

  test("that fails says so without what the error says, which may be a secret", async () => {
    const { statusCode, json } = await call("GET", "/api/broken");
    expect(statusCode).toBe(500);
    expect(JSON.stringify(json)).not.toContain("secret");
  });
});

describe("the page", () => {
  test.each(["/", "/alerts", "/users/1234", "/topics/dbserver1.public.transactions", "/topics/orders.js"])(
    "is at %s, the address of a view",
    async (path) => {
      const { statusCode, headers, json } = await call("GET", path);
      expect([statusCode, headers["content-type"]]).toEqual([200, "text/html; charset=utf-8"]);
      expect(json).toContain("<title>Tripline</title>");
    },
  );

  test("keeps for ever what is named after its content, and nothing else", async () => {
    expect((await call("GET", "/assets/main-1A2B.js")).headers["cache-control"]).toContain("immutable");
    expect((await call("GET", "/")).headers["cache-control"]).toBe("no-store");
  });

  test("has no file that is not there, whatever it is called", async () => {
    for (const path of [
      "/assets/main-9999.js",
      "/assets/../index.html",
      "/assets/__proto__",
      "/favicon.ico",
      "/.env",
    ]) {
      expect((await call("GET", path)).statusCode).toBe(404);
    }
  });

  test("runs no script and no style but its own, in no frame", async () => {
    const policy = (await call("GET", "/")).headers["content-security-policy"] ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("require-trusted-types-for 'script'");
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
  });
});

describe("an action", () => {
  test("is done, and noted with who did it", async () => {
    const { statusCode } = await call("POST", "/api/things/a", { headers: action, body: '{"to":1}' });
    expect(statusCode).toBe(200);
    expect(noted).toEqual([
      { actor: "local", action: "thing.change", target: "a", detail: { to: 1 }, outcome: "done" },
    ]);
  });

  test("that is refused is noted as well, with why", async () => {
    const { statusCode } = await call("POST", "/api/things/busy", { headers: action, body: "{}" });
    expect(statusCode).toBe(409);
    expect(noted).toMatchObject([{ target: "busy", outcome: "It is busy." }]);
  });

  test("that only says what it would do is not noted", async () => {
    await call("POST", "/api/things/a", { headers: action, body: '{"preview":true}' });
    expect([acted.length, noted]).toEqual([1, []]);
  });

  test.each<[string, Record<string, string>, number]>([
    ["a form of another site", { "content-type": "text/plain", "sec-fetch-site": "cross-site" }, 403],
    ["a page of a site beside it", { ...action, "sec-fetch-site": "same-site" }, 403],
    ["a request without the header", { "content-type": "application/json" }, 403],
    ["a request that is no JSON", { ...action, "content-type": "text/plain" }, 400],
  ])("of %s is refused, and nothing is done", async (_, headers, status) => {
    const { statusCode } = await call("POST", "/api/things/a", { headers, body: "{}" });
    expect([statusCode, acted, noted]).toEqual([status, [], []]);
  });

  test("that is too long, or no JSON, is refused", async () => {
    const long = JSON.stringify({ note: "x".repeat(70_000) });
    for (const body of [long, "{"]) {
      expect((await call("POST", "/api/things/a", { headers: action, body })).statusCode).toBe(400);
    }
    expect(acted).toEqual([]);
  });

  test("is refused where the console only shows", async () => {
    const { statusCode, json } = await call("POST", "/api/things/a", { headers: action, body: "{}", readOnly: true });
    expect([statusCode, json]).toMatchObject([403, { error: { code: "READ_ONLY" } }]);
    expect(acted).toEqual([]);
  });

  test("is in the log when it begins: the function may be ended on the way", async () => {
    const logger = new Logger({ logLevel: "SILENT" });
    const info = jest.spyOn(logger, "info");
    await call("POST", "/api/things/busy", { headers: action, body: "{}", logger });
    expect(info.mock.calls).toEqual([
      ["thing.change busy: begun", { audit: { actor: "local", action: "thing.change", target: "busy", detail: {} } }],
    ]);
  });

  test("that is refused before it is one is in the log, with who tried", async () => {
    const logger = new Logger({ logLevel: "SILENT" });
    const warn = jest.spyOn(logger, "warn");
    const userArn = "arn:aws:iam::123456789012:user/eve";
    await call("POST", "/api/things/a", { body: "{}", authentication: "iam", userArn, logger });
    expect(warn.mock.calls).toEqual([
      [
        expect.stringMatching(/^POST \/api\/things\/a: An action carries the header/),
        { refused: { code: "FORBIDDEN", userArn } },
      ],
    ]);
    expect(noted).toEqual([]);
    await call("GET", "/api/nothing", { logger });
    expect(warn).toHaveBeenCalledTimes(1);
  });
});

describe("who may come in", () => {
  test.each(["attacker.example", "attacker.example:8080", "127.0.0.1.attacker.example", ""])(
    "on a laptop: not by the name '%s', which may have been made to lead here",
    async (host) => {
      for (const path of ["/", "/api/things/a"]) {
        expect((await call("GET", path, { headers: { host } })).statusCode).toBe(403);
      }
    },
  );

  test.each(["localhost:8080", "127.0.0.1", "[::1]:8080"])("on a laptop: by %s", async (host) => {
    expect((await call("GET", "/", { headers: { host } })).statusCode).toBe(200);
  });

  test.each<[string, string, Record<string, string>]>([
    ["a script of another site", "/api/things/a", { origin: "http://evil.example", "sec-fetch-site": "cross-site" }],
    ["a script of another site in an old browser", "/api/things/a", { origin: "http://evil.example" }],
    [
      "another server of this machine",
      "/api/things/a",
      { origin: "http://127.0.0.1:9999", "sec-fetch-site": "same-site" },
    ],
    ["a script that reads the page", "/", { origin: "http://evil.example", "sec-fetch-mode": "cors" }],
    [
      "an element of another site's page",
      "/api/things/a",
      { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
    ],
    ["a link to what is no view", "/api/things/a", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }],
  ])("on a laptop: not %s", async (_, path, headers) => {
    expect((await call("GET", path, { headers })).statusCode).toBe(403);
  });

  test("on a laptop: the page's own scripts, and whoever follows a link to a view", async () => {
    const own = { origin: "http://127.0.0.1:8080", "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors" };
    expect((await call("GET", "/api/things/a", { headers: own })).statusCode).toBe(200);
    const link = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
    expect((await call("GET", "/alerts", { headers: link })).statusCode).toBe(200);
  });

  test("on AWS: whose signature API Gateway has checked, and nobody else", async () => {
    const userArn = "arn:aws:sts::123456789012:assumed-role/OnCall/alice";
    const signed = { authentication: "iam", userArn } as const;
    expect((await call("GET", "/api/things/a", signed)).json).toMatchObject({ actor: userArn });
    for (const path of ["/", "/assets/main-1A2B.js", "/api/things/a"]) {
      expect((await call("GET", path, { authentication: "iam" })).statusCode).toBe(403);
    }
    // The header of a laptop does not let anybody in.
    expect((await call("POST", "/api/things/a", { authentication: "iam", headers: action })).statusCode).toBe(403);
  });
});
