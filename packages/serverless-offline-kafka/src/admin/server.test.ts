import { request } from "node:http";
import { afterEach, describe, expect, test } from "@jest/globals";
import { configOf, fakeMapping } from "./fake-mapping.ts";
import type { AdminEndpoint } from "./server.ts";
import { openAdmin } from "./server.ts";
import type { AdminMapping } from "./view.ts";

const PARTITIONS = [{ first: 0, end: 10, committed: 4, own: {} }];

let endpoint: AdminEndpoint | undefined;

afterEach(async () => {
  await endpoint?.close();
  endpoint = undefined;
});

async function open(mappings: readonly AdminMapping[], port = 0) {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = { notice: write, warning: write, error: write };
  const opened = await openAdmin({ port, service: "shop", mappings, log });
  endpoint ??= opened;
  return { lines, opened, url: opened?.url ?? "" };
}

/** Node's own client, for `fetch` sets Host and Origin by itself. */
async function send(url: string, method: string, headers: Readonly<Record<string, string>> = {}, body = "") {
  const { promise, reject, resolve } = Promise.withResolvers<{ status: number; headers: object; body: unknown }>();
  const sent = request(url, { method, headers, agent: false }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (part: string) => {
      text += part;
    });
    response.on("end", () => {
      const isJson = response.headers["content-type"]?.startsWith("application/json");
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: isJson ? JSON.parse(text) : text });
    });
  });
  sent.on("error", reject);
  sent.end(body);
  return promise;
}

const JSON_HEADERS = { "content-type": "application/json" };
const failure = (code: string, message?: RegExp) => ({
  error: { code, message: message === undefined ? expect.any(String) : expect.stringMatching(message) },
});

describe("the endpoint", () => {
  test("listens on loopback, lists mappings, and has their numbers for Prometheus", async () => {
    const { lines, url } = await open([fakeMapping(PARTITIONS)]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(lines).toEqual([`Kafka: ${url}/mappings shows the mappings, as does \`sls offline kafka list\``]);

    const list = await send(`${url}/mappings?pretty`, "GET");
    expect(list.status).toBe(200);
    expect(list.body).toMatchObject([{ logicalId: "AgentOrders", state: "running", sumOffsetLag: 6 }]);
    // Nothing that would let a page of another origin read it.
    expect(Object.keys(list.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);

    const metrics = await send(`${url}/metrics`, "GET");
    expect(metrics.headers).toMatchObject({ "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    expect(metrics.body).toContain("event_source_mapping_max_offset_lag{");
  });

  test("pauses and resumes by logical id or by function, all mappings of it", async () => {
    const other = fakeMapping(PARTITIONS, { config: configOf({ logicalId: "AgentRefunds", topic: "refunds" }) });
    const { url } = await open([fakeMapping(PARTITIONS), other]);
    const states = async (name: string, action: string) =>
      ((await send(`${url}/mappings/${name}/${action}`, "POST", JSON_HEADERS)).body as { state: string }[]).map(
        ({ state }) => state,
      );
    expect(await states("AgentRefunds", "pause")).toEqual(["paused"]);
    expect(await states("agent", "pause")).toEqual(["paused", "paused"]);
    expect(await states("agent", "resume")).toEqual(["running", "running"]);
  });

  test("replays, and says from where", async () => {
    const fake = fakeMapping(PARTITIONS);
    const { url } = await open([fake]);
    const said = await send(`${url}/mappings/agent/replay`, "POST", JSON_HEADERS, '{"offset": 3, "partitions": [0]}');
    expect(said).toMatchObject({
      status: 200,
      body: { logicalId: "AgentOrders", positions: [{ partition: 0, offset: 3 }] },
    });
    expect(fake.calls.at(-1)).toEqual([{ topic: "orders", partition: 0, offset: 3 }]);
  });

  test.each([
    ["a name that was made to resolve to loopback", { host: "evil.example:PORT" }],
    ["another port's host", { host: "127.0.0.1:1" }],
    ["a page of another origin", { origin: "http://evil.example" }],
    ["a page that hides its origin", { origin: "null" }],
    ["a page of another local server", { origin: "http://localhost:3000" }],
  ])("refuses %s", async (_who, headers) => {
    const fake = fakeMapping(PARTITIONS);
    const { url } = await open([fake]);
    const port = new URL(url).port;
    const own = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace("PORT", port)]));
    for (const [method, path] of [
      ["GET", "/mappings"],
      ["POST", "/mappings/agent/pause"],
    ] as const) {
      const said = await send(`${url}${path}`, method, { ...JSON_HEADERS, ...own });
      expect(said).toMatchObject({ status: 403, body: failure("SOK_ADMIN_FORBIDDEN") });
    }
    expect(fake.mapping.status().paused).toBe(false);
  });

  test("takes itself as a host and an origin by both of its names", async () => {
    const { url } = await open([fakeMapping(PARTITIONS)]);
    for (const host of [new URL(url).host, `localhost:${new URL(url).port}`]) {
      expect((await send(`${url}/mappings`, "GET", { host, origin: `http://${host}` })).status).toBe(200);
    }
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])(
    "does nothing for what a form can send (%s)",
    async (contentType) => {
      const fake = fakeMapping(PARTITIONS);
      const { url } = await open([fake]);
      const headers = contentType === "" ? {} : { "content-type": contentType };
      const said = await send(`${url}/mappings/agent/pause`, "POST", headers, "{}");
      expect(said).toMatchObject({ status: 415, body: failure("SOK_ADMIN_REQUEST_INVALID", /application\/json/) });
      expect(fake.mapping.status().paused).toBe(false);
    },
  );

  test.each([
    ["GET", "/", "", 404, failure("SOK_ADMIN_NOT_FOUND", /there are GET \/mappings, GET \/metrics, POST/)],
    ["POST", "/mappings/agent/delete", "{}", 404, failure("SOK_ADMIN_NOT_FOUND")],
    ["POST", "/mappings/agent/constructor", "{}", 404, failure("SOK_ADMIN_NOT_FOUND")],
    ["POST", "/mappings", "{}", 405, failure("SOK_ADMIN_REQUEST_INVALID", /use GET/)],
    ["GET", "/mappings/agent/pause", "", 405, failure("SOK_ADMIN_REQUEST_INVALID", /use POST/)],
    ["OPTIONS", "/mappings/agent/pause", "", 405, failure("SOK_ADMIN_REQUEST_INVALID")],
    ["POST", "/mappings/agnet/pause", "{}", 404, failure("SOK_MAPPING_UNKNOWN", /called agnet; there are agent \(A/)],
    ["POST", "/mappings/%zz/pause", "{}", 404, failure("SOK_MAPPING_UNKNOWN")],
    ["POST", "/mappings/off/pause", "{}", 409, failure("SOK_MAPPING_DISABLED", /off is not enabled/)],
    ["POST", "/mappings/agent/replay", "{", 400, failure("SOK_ADMIN_REQUEST_INVALID", /no JSON/)],
    ["POST", "/mappings/agent/replay", "", 400, failure("SOK_ADMIN_REQUEST_INVALID", /write \{"offset": 0\}/)],
    ["POST", "/mappings/agent/replay", " ".repeat(70_000), 413, failure("SOK_ADMIN_REQUEST_INVALID", /65536 bytes/)],
    ["POST", "/mappings/two/replay", '{"offset":0}', 409, failure("SOK_MAPPING_AMBIGUOUS", /TwoOrders, TwoRefunds/)],
  ])("answers %s %s with an error that says what to do", async (method, path, body, status, expected) => {
    const two = (logicalId: string) => fakeMapping([], { config: configOf({ logicalId, functionKey: "two" }) });
    const off = { config: configOf({ logicalId: "Off", functionKey: "off", enabled: false }), mapping: undefined };
    const { url } = await open([fakeMapping(PARTITIONS), two("TwoOrders"), two("TwoRefunds"), off]);
    const headers = body === "" && method !== "POST" ? {} : JSON_HEADERS;
    expect(await send(`${url}${path}`, method, headers, body)).toMatchObject({ status, body: expected });
  });

  test("goes on without a port that is taken, and says which and what to set", async () => {
    const { url } = await open([]);
    const second = await open([], Number(new URL(url).port));
    expect(second.opened).toBeUndefined();
    expect(second.lines).toEqual([
      expect.stringMatching(
        /^Kafka: SOK_ADMIN_PORT_TAKEN: port \d+ is taken; .* Set custom\.serverless-offline-kafka\.admin to another port, or to false$/,
      ),
    ]);
  });
});
