import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";
import { connectKafka } from "./client.ts";

describe("kafkajs's request queue", () => {
  let timeouts: (number | undefined)[];

  beforeEach(() => {
    timeouts = [];
    jest.spyOn(globalThis, "setTimeout").mockImplementation(((_: () => void, delayMs?: number) => {
      timeouts.push(delayMs);
      return 0;
    }) as never);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const schedule = (pending: unknown[], throttledUntil: number) =>
    RequestQueue.prototype.scheduleCheckPendingRequests.call({ pending, throttledUntil } as unknown as RequestQueue);

  test("sets no timer when nothing is pending: the delay would be negative, of which Node 24 warns", () => {
    schedule([], -1);

    expect(timeouts).toEqual([]);
  });

  test("still sends what is pending, at once or when throttling ends", () => {
    schedule(["request"], -1);
    schedule(["request"], Date.now() + 5_000);

    expect(timeouts).toEqual([10, expect.closeTo(5_000, -2)]);
  });
});

test("says what went wrong in one line where somebody listens", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const lines: string[] = [];

  const admin = connectKafka({
    bootstrapServers: `127.0.0.1:${port}`,
    clientId: "test",
    retries: 0,
    onLog: (level, message) => lines.push(`${level} ${message}`),
  }).admin();
  await expect(admin.connect()).rejects.toThrow("ECONNREFUSED");
  await admin.disconnect();

  expect(lines.join("\n")).toMatch(/^error Connection: Connection error: connect ECONNREFUSED/m);
  expect(lines.every((line) => !line.includes("\n"))).toBe(true);
});

test("says nothing in the clear to a broker that asks for IAM", async () => {
  const heard = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      heard.resolve(bytes);
      socket.destroy();
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const bootstrapServers = `127.0.0.1:${port}`;

  const admin = connectKafka({ bootstrapServers, clientId: "test", authentication: "iam", retries: 0 }).admin();
  await expect(admin.connect()).rejects.toThrow();
  await admin.disconnect();
  await new Promise((resolve) => server.close(resolve));

  // TLS: a handshake.
  expect((await heard.promise)[0]).toBe(22);
});
