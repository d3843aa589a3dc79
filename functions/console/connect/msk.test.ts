import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KafkaConnectClient } from "@aws-sdk/client-kafkaconnect";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { connectorsOfMsk } from "./msk.ts";

const arnOf = (name: string) => `arn:aws:kafkaconnect:eu-central-1:123456789012:connector/${name}/0a1b2c3d-1`;

let server: Server;
let client: KafkaConnectClient;
let asked: string[];
/** By the connector's name in MSK Connect. */
let states: Record<string, { connectorState: string; stateDescription?: { message: string } }>;
let isBusy: boolean;

/** Stands in for MSK Connect: what its API documents, two connectors a page. */
beforeEach(async () => {
  asked = [];
  isBusy = false;
  states = {
    "tripline-prod-fraud-postgres-connector": { connectorState: "RUNNING" },
    "tripline-prod-fraud-alerts-connector": { connectorState: "PAUSED" },
    "tripline-prod-2-fraud-alerts-connector": { connectorState: "RUNNING" },
    "tripline-prod-activity-connector": {
      connectorState: "FAILED",
      stateDescription: { message: "The task has ended with an error." },
    },
  };
  server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
    const path = decodeURIComponent(pathname);
    asked.push(`${request.method} ${path}`);
    response.setHeader("content-type", "application/json");
    if (path === "/v1/connectors") {
      const names = Object.keys(states).filter((name) =>
        name.startsWith(searchParams.get("connectorNamePrefix") ?? ""),
      );
      const from = Number(searchParams.get("nextToken") ?? 0);
      const connectors = names
        .slice(from, from + 2)
        .map((connectorName) => ({ connectorName, connectorArn: arnOf(connectorName) }));
      const more = from + 2 < names.length ? { nextToken: String(from + 2) } : {};
      response.end(JSON.stringify({ connectors, ...more }));
      return;
    }
    const [, arn = "", action] = /^\/v1\/connectors\/(arn:.*?-1)(?:\/(\w+))?$/.exec(path) ?? [];
    const [name] = Object.entries(states).find(([each]) => arnOf(each) === arn) ?? [];
    if (name === undefined) {
      response.statusCode = 404;
      response.setHeader("x-amzn-errortype", "NotFoundException");
      response.end(JSON.stringify({ message: "No such connector" }));
      return;
    }
    if (action !== undefined && isBusy) {
      response.statusCode = 409;
      response.setHeader("x-amzn-errortype", "ConflictException");
      response.end(JSON.stringify({ message: "An operation is in progress" }));
      return;
    }
    const config = { "topic.prefix": "dbserver1", "database.password": "postgrespw" };
    const described = { connectorName: name, connectorArn: arn, ...states[name], connectorConfiguration: config };
    response.end(JSON.stringify(action === undefined ? described : { connectorArn: arn }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new KafkaConnectClient({
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
    maxAttempts: 1,
  });
});

afterEach(() => {
  client.destroy();
  server.closeAllConnections();
  server.close();
});

const connectors = () => connectorsOfMsk({ stackName: "tripline-prod", client });

describe("the connectors of MSK Connect", () => {
  test("are the stack's own, by their names in the repository, with what each state allows", async () => {
    const list = await connectors().list();
    expect(list.map(({ name, state, actions }) => [name, state, actions])).toEqual([
      ["activity-connector", "FAILED", []],
      ["fraud-alerts-connector", "PAUSED", ["resume"]],
      ["fraud-postgres-connector", "RUNNING", ["restart", "pause"]],
    ]);
    expect(asked.some((request) => request.includes("prod-2"))).toBe(false);
  });

  test("are those that have taken the place of others, under another name, while both are there", async () => {
    states["tripline-prod-activity-connector-3"] = { connectorState: "RUNNING" };
    states["tripline-prod-activity-connector-2"] = { connectorState: "DELETING" };
    const [activity] = await connectors().list();
    expect(activity).toMatchObject({ name: "activity-connector", state: "RUNNING" });
    await connectors().act("activity-connector", "pause");
    expect(asked.at(-1)).toBe(`PUT /v1/connectors/${arnOf("tripline-prod-activity-connector-3")}/pause`);
  });

  test("are not said to have a task that runs, for MSK Connect does not say so", async () => {
    const running = (await connectors().list()).find(({ state }) => state === "RUNNING");
    expect(running?.tasks).toEqual([{ id: 0, state: "UNKNOWN", trace: null }]);
  });

  test("cannot be told anything while they are at something else", async () => {
    isBusy = true;
    await expect(connectors().act("fraud-postgres-connector", "pause")).rejects.toMatchObject({
      code: "CONFLICT",
      message: "Something else is being done to fraud-postgres-connector: try again in a minute.",
    });
  });

  test("say why one has failed, and no secret", async () => {
    const [failed] = await connectors().list();
    expect(failed?.tasks).toEqual([{ id: 0, state: "FAILED", trace: "The task has ended with an error." }]);
    expect(failed?.config).toEqual([
      { name: "database.password", value: "••••••••" },
      { name: "topic.prefix", value: "dbserver1" },
    ]);
  });

  test.each([
    ["restart", "POST"],
    ["pause", "PUT"],
    ["resume", "PUT"],
  ] as const)("are told to %s", async (action, method) => {
    await connectors().act("fraud-postgres-connector", action);
    expect(asked.at(-1)).toBe(`${method} /v1/connectors/${arnOf("tripline-prod-fraud-postgres-connector")}/${action}`);
  });

  test("cannot be told what is not there", async () => {
    await expect(connectors().act("nobody", "pause")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("are unavailable where MSK Connect does not answer", async () => {
    server.closeAllConnections();
    server.close();
    await expect(connectors().list()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/^MSK Connect: /),
    });
  });
});
