import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Logger } from "@aws-lambda-powertools/logger";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import * as v from "valibot";
import { customResourceHandler } from "./custom-resource.ts";

interface Answer {
  readonly method: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Record<string, unknown>;
  readonly bytes: number;
}

let server: Server;
let answers: Answer[];
let refusals: number;
let request: Record<string, unknown>;

beforeEach(async () => {
  answers = [];
  refusals = 0;
  server = createServer((incoming, response) => {
    let body = "";
    incoming.on("data", (chunk) => {
      body += chunk;
    });
    incoming.on("end", () => {
      if (refusals-- > 0) {
        response.writeHead(503).end();
        return;
      }
      const { method, headers } = incoming;
      answers.push({ method, contentType: headers["content-type"], body: JSON.parse(body), bytes: body.length });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  request = {
    RequestType: "Create",
    ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?Signature=x`,
    StackId: "arn:aws:cloudformation:eu-central-1:123456789012:stack/tripline-prod/1",
    RequestId: "request-1",
    LogicalResourceId: "Topics",
    ResourceType: "Custom::Topics",
    ServiceTimeout: "300",
    ResourceProperties: { ServiceToken: "arn:aws:lambda:…", Brokers: "b-1:9098" },
  };
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

const logger = new Logger({ logLevel: "SILENT" });
const properties = v.object({ Brokers: v.string() });

const answered = () => answers.map(({ body }) => body);

describe("customResourceHandler", () => {
  test("makes the resource and answers what it has to say", async () => {
    const handler = customResourceHandler({ logger, properties, ensure: async ({ Brokers }) => ({ First: Brokers }) });
    await handler(request);
    expect(answers).toEqual([
      {
        method: "PUT",
        contentType: "",
        bytes: expect.any(Number),
        body: {
          Status: "SUCCESS",
          Data: { First: "b-1:9098" },
          PhysicalResourceId: "Topics",
          StackId: request["StackId"],
          RequestId: "request-1",
          LogicalResourceId: "Topics",
        },
      },
    ]);
  });

  test("keeps the id that the resource has, so that an update does not replace it", async () => {
    const handler = customResourceHandler({ logger, properties, ensure: async () => undefined });
    await handler({ ...request, RequestType: "Update", PhysicalResourceId: "Topics-of-old" });
    expect(answered()).toMatchObject([{ Status: "SUCCESS", PhysicalResourceId: "Topics-of-old" }]);
    expect(answered()[0]).not.toHaveProperty("Data");
  });

  test("does nothing when the resource goes, whatever its properties were", async () => {
    const handler = customResourceHandler({
      logger,
      properties,
      ensure: () => Promise.reject(new Error("must not be called")),
    });
    await handler({ ...request, RequestType: "Delete", PhysicalResourceId: "Topics", ResourceProperties: {} });
    expect(answered()).toMatchObject([{ Status: "SUCCESS" }]);
  });

  test("answers a failure with its reason, and does not throw, so that Lambda does not call again", async () => {
    const handler = customResourceHandler({
      logger,
      properties,
      ensure: () => Promise.reject(new Error(`no broker answers: ${"x".repeat(9_000)}`)),
    });
    await handler(request, { logStreamName: "2026/11/24/[$LATEST]abc" });
    expect(answered()).toMatchObject([
      { Status: "FAILED", Reason: expect.stringMatching(/^no broker answers: x+ \(log stream .*abc\)$/) },
    ]);
    expect(answers[0]?.bytes).toBeLessThan(4_096);
  });

  test("answers wrong properties, naming them", async () => {
    const handler = customResourceHandler({ logger, properties, ensure: async () => undefined });
    await handler({ ...request, ResourceProperties: {} });
    expect(answered()).toMatchObject([{ Status: "FAILED", Reason: expect.stringContaining("Brokers") }]);
  });

  test("answers before Lambda ends it, once, and lets the work go on", async () => {
    let finish = () => {};
    const work = new Promise<undefined>((resolve) => {
      finish = () => resolve(undefined);
    });
    const handler = customResourceHandler({ logger, properties, ensure: () => work });
    let returned = false;
    const invocation = handler(request, { getRemainingTimeInMillis: () => 25_050 }).then(() => {
      returned = true;
    });
    while (answers.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(answered()).toMatchObject([{ Status: "FAILED", Reason: expect.stringContaining("longer") }]);
    expect(returned).toBe(false);
    finish();
    await invocation;
    expect(answers).toHaveLength(1);
  });

  test("tries again when the answer does not arrive, and gives up loudly", async () => {
    const handler = customResourceHandler({ logger, properties, ensure: async () => undefined });
    refusals = 2;
    await handler(request);
    expect(answers).toHaveLength(1);
    refusals = 99;
    await expect(handler(request)).rejects.toThrow("said 503");
  });
});
