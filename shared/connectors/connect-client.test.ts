import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { ConnectClient } from "./connect-client.ts";

let server: Server;
let client: ConnectClient;
let url: string;
let requests: string[];
let answer: { status: number; body: string };

const bodyOf = async (request: IncomingMessage) => {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
};

beforeEach(async () => {
  requests = [];
  answer = { status: 200, body: "{}" };
  server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url} ${await bodyOf(request)}`.trim());
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = new ConnectClient(url);
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe("list", () => {
  test("joins configuration and status; a connector without status counts as UNASSIGNED", async () => {
    const tasks = [{ id: 0, state: "FAILED", trace: "why", worker_id: "w" }];
    answer.body = JSON.stringify({
      a: { info: { config: { name: "a", x: "1" } }, status: { connector: { state: "RUNNING" }, tasks } },
      b: { info: { config: { name: "b" } } },
    });

    const all = await client.list();

    expect(requests).toEqual(["GET /connectors?expand=info&expand=status"]);
    expect(all.get("a")).toEqual({ name: "a", config: { name: "a", x: "1" }, state: "RUNNING", tasks });
    expect(all.get("b")).toEqual({ name: "b", config: { name: "b" }, state: "UNASSIGNED", tasks: [] });
  });

  test("leaves out a connector that was deleted while Connect put its answer together", async () => {
    answer.body = JSON.stringify({ a: { status: { connector: { state: "RUNNING" }, tasks: [] } } });

    expect(await client.list()).toEqual(new Map());
  });
});

test("put and restartFailed name the connector safely", async () => {
  answer = { status: 204, body: "" };
  await client.put("a/b", { x: "1" });
  await client.restartFailed("a b");

  expect(requests).toEqual([
    'PUT /connectors/a%2Fb/config {"x":"1"}',
    "POST /connectors/a%20b/restart?includeTasks=true&onlyFailed=true",
  ]);
});

describe("an error is one line that says what was asked and what was wrong", () => {
  test("Connect's own message", async () => {
    answer = { status: 409, body: JSON.stringify({ error_code: 409, message: "a rebalance\n is in process" }) };

    await expect(client.put("a", {})).rejects.toThrow(
      /^Connect answered 409 to PUT \/connectors\/a\/config: a rebalance is in process$/,
    );
  });

  test("a page instead of JSON, as while Connect starts", async () => {
    answer = { status: 404, body: "<html>\n<head><title>Error 404 Not Found</title></head><body>Jetty</body></html>" };

    await expect(client.list()).rejects.toThrow(
      /^Connect answered 404 to GET \/connectors\?expand=info&expand=status: Not Found$/,
    );
  });

  test("something else that answers 200 on this port", async () => {
    answer.body = "hello";

    await expect(client.list()).rejects.toThrow(
      /^Connect answered 200 to GET \/connectors\?expand=info&expand=status without JSON: hello$/,
    );
  });

  test("nobody there", async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));

    await expect(client.list()).rejects.toThrow(`Connect does not answer at ${url}: connect ECONNREFUSED`);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });

  test("a long trace is cut", async () => {
    answer = { status: 500, body: JSON.stringify({ message: "x".repeat(10_000) }) };

    const error: Error = await client.list().then(
      () => new Error("no error"),
      (reason) => reason,
    );
    expect(error.message.length).toBeLessThan(700);
  });
});
