import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { httpGet } from "./http.ts";

const OPTIONS = { headers: {}, tls: {}, timeoutMs: 50, bytesMax: 10 };

let server: Server;
let base: string;

beforeAll(async () => {
  server = createServer((request, reply) => {
    if (request.url === "/begins") reply.write("half");
    if (request.url === "/ok") reply.writeHead(203).end("0123456789");
    if (request.url === "/long") reply.end("0123456789a");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test("returns what the server says, up to the limit", async () => {
  expect(await httpGet(new URL("/ok", base), OPTIONS)).toEqual({ status: 203, body: "0123456789" });
});

test("a reply beyond the limit is refused", async () => {
  await expect(httpGet(new URL("/long", base), OPTIONS)).rejects.toThrow("longer than 10 bytes");
});

test.each(["/never", "/begins"])("a server that does not finish (%s) is not waited for", async (path) => {
  await expect(httpGet(new URL(path, base), OPTIONS)).rejects.toThrow("no reply within 50 ms");
});
