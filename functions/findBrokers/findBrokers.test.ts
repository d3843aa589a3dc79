import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Logger } from "@aws-lambda-powertools/logger";
import { KafkaClient } from "@aws-sdk/client-kafka";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createHandler } from "./handler.ts";

const ClusterArn = "arn:aws:kafka:eu-central-1:123456789012:cluster/tripline-prod/0a1b2c3d-1";

let server: Server;
let address: string;
let asked: string[];
let answers: Record<string, unknown>[];
/** What MSK says: as its API documents it. */
let brokers: Record<string, string>;

/** Stands in for MSK, which nothing here can run, and for CloudFormation's address for answers. */
beforeEach(async () => {
  asked = [];
  answers = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      if (request.method === "PUT") answers.push(JSON.parse(body));
      else asked.push(`${request.method} ${decodeURIComponent(request.url ?? "")}`);
      response.setHeader("content-type", "application/json");
      response.end(request.method === "PUT" ? "" : JSON.stringify(brokers));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function create(): Promise<Record<string, unknown> | undefined> {
  const kafka = new KafkaClient({
    endpoint: address,
    region: "eu-central-1",
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  await createHandler({ kafka, logger: new Logger({ logLevel: "SILENT" }) })({
    RequestType: "Create",
    ResponseURL: `${address}/answer`,
    StackId: "stack",
    RequestId: "1",
    LogicalResourceId: "Brokers",
    ResourceProperties: { ClusterArn },
  });
  kafka.destroy();
  return answers[0];
}

describe("findBrokers", () => {
  test("answers the brokers for IAM authentication", async () => {
    brokers = { bootstrapBrokerStringSaslIam: "b-1.x:9098,b-2.x:9098", bootstrapBrokerStringTls: "b-1.x:9094" };
    expect(await create()).toMatchObject({ Status: "SUCCESS", Data: { BootstrapServers: "b-1.x:9098,b-2.x:9098" } });
    expect(asked).toEqual([`GET /v1/clusters/${ClusterArn}/bootstrap-brokers`]);
  });

  test("says what a cluster without IAM authentication lacks", async () => {
    brokers = { bootstrapBrokerStringTls: "b-1.x:9094" };
    expect(await create()).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("Sasl.Iam has to be enabled"),
    });
  });
});
