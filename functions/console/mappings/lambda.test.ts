import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mappingsOfLambda } from "./lambda.ts";

const clusterArn = "arn:aws:kafka:eu-central-1:123456789012:cluster/tripline-prod/0a1b2c3d-1";

let server: Server;
let client: LambdaClient;
let asked: string[];
let isBusy: boolean;

const mapping = (functionName: string, topic: string, ConsumerGroupId: string, more: Record<string, string>) => ({
  UUID: `uuid-${functionName}`,
  EventSourceArn: clusterArn,
  FunctionArn: `arn:aws:lambda:eu-central-1:123456789012:function:tripline-prod-${functionName}`,
  Topics: [topic],
  AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId },
  ...more,
});

const pages = [
  [
    mapping("velocityAgent", "dbserver1.public.transactions", "fraud-velocity-agent", { State: "Disabled" }),
    mapping("profileAgent", "dbserver1.public.transactions", "fraud-profile-agent", {
      State: "Enabled",
      LastProcessingResult: "No records processed",
    }),
  ],
  [
    mapping("forwardAlerts", "dbserver1.fraud.alerts", "alert-forwarder", {
      State: "Enabled",
      LastProcessingResult: "PROBLEM: Function call failed",
    }),
    mapping("showActivity", "dbserver1.public.activity", "activity-viewer", { State: "Enabling" }),
  ],
];

/** Stands in for Lambda: what its API documents. */
beforeEach(async () => {
  asked = [];
  isBusy = false;
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
      asked.push(`${request.method} ${pathname} ${body}`.trim());
      response.setHeader("content-type", "application/json");
      if (request.method === "PUT" && isBusy) {
        response.statusCode = 400;
        response.setHeader("x-amzn-errortype", "ResourceInUseException");
        response.end(JSON.stringify({ message: "Its state does not allow this" }));
        return;
      }
      if (request.method === "PUT") {
        response.end("{}");
        return;
      }
      const isOurs = searchParams.get("EventSourceArn") === clusterArn;
      const page = Number(searchParams.get("Marker") ?? 0);
      const NextMarker = page + 1 < pages.length ? { NextMarker: String(page + 1) } : {};
      response.end(JSON.stringify({ EventSourceMappings: isOurs ? pages[page] : [], ...NextMarker }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new LambdaClient({
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

const mappings = () => mappingsOfLambda({ stackName: "tripline-prod", clusterArn, client });

describe("the mappings of Lambda", () => {
  test("are those that read the stack's Kafka, in the words that a laptop has for their states", async () => {
    const list = await mappings().list();
    expect(list.map(({ name, group, state, actions }) => [name, group, state, actions])).toEqual([
      ["forwardAlerts-dbserver1.fraud.alerts", "alert-forwarder", "failing", ["pause"]],
      ["profileAgent-dbserver1.public.transactions", "fraud-profile-agent", "running", ["pause"]],
      ["showActivity-dbserver1.public.activity", "activity-viewer", "enabling", []],
      ["velocityAgent-dbserver1.public.transactions", "fraud-velocity-agent", "paused", ["resume"]],
    ]);
    expect(list[1]).toMatchObject({ functionName: "profileAgent", topic: "dbserver1.public.transactions" });
  });

  test.each([
    ["pause", "profileAgent-dbserver1.public.transactions", "profileAgent", false],
    ["resume", "velocityAgent-dbserver1.public.transactions", "velocityAgent", true],
  ] as const)("are told to %s", async (action, name, functionName, Enabled) => {
    await mappings().act(name, action);
    expect(asked.at(-1)).toBe(
      `PUT /2015-03-31/event-source-mappings/uuid-${functionName} ${JSON.stringify({ Enabled })}`,
    );
  });

  test("cannot be replayed while they run, nor told what is not there", async () => {
    expect(mappings().replay).toBeUndefined();
    await expect(mappings().act("nobody", "pause")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("cannot be told anything while Lambda is at something else", async () => {
    isBusy = true;
    await expect(
      mappingsOfLambda({ stackName: "tripline-prod", clusterArn, client }).act(
        "velocityAgent-dbserver1.public.transactions",
        "resume",
      ),
    ).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringMatching(/^Something else is being done to velocityAgent-/),
    });
  });

  test("are unavailable where Lambda does not answer", async () => {
    server.closeAllConnections();
    server.close();
    await expect(mappings().list()).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/^Lambda: /),
    });
  });
});
