import { Logger } from "@aws-lambda-powertools/logger";
import { Metrics, MetricUnit } from "@aws-lambda-powertools/metrics";
import { describe, expect, jest, test } from "@jest/globals";
import * as v from "valibot";
import { lambdaHandler, reportRecordFailures } from "./index.ts";

const input = v.object({ name: v.string() });
const context = { functionName: "tripline-dev-example", awsRequestId: "request-1" };

/** What the function wrote, one parsed JSON line each. */
function captureLines(logger: Logger): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => {
    lines.push(JSON.parse(line));
  };
  Object.assign(logger, { console: { info: write, error: write, warn: write } });
  return lines;
}

describe("lambdaHandler", () => {
  test("passes the parsed event on and returns the result", async () => {
    const handler = lambdaHandler({ input }, async ({ name }) => `hello ${name}`);
    await expect(handler({ name: "Alice" }, context)).resolves.toBe("hello Alice");
  });

  test("logs with the service, the function and the request", async () => {
    const logger = new Logger({ serviceName: "tripline" });
    const lines = captureLines(logger);
    const handler = lambdaHandler({ input, logger }, async (_event, tools) => tools.logger.info("seen", { count: 1 }));
    await handler({ name: "Alice" }, context);
    expect(lines).toEqual([
      expect.objectContaining({
        level: "INFO",
        message: "seen",
        count: 1,
        service: "tripline",
        function_name: "tripline-dev-example",
        function_request_id: "request-1",
      }),
    ]);
  });

  test("does not call the handler with an event of another kind", async () => {
    const logger = new Logger({ serviceName: "tripline" });
    const lines = captureLines(logger);
    const work = jest.fn<() => Promise<void>>();
    await expect(lambdaHandler({ input, logger }, work)({ name: 1 }, context)).rejects.toMatchObject({
      code: "LAMBDA_INPUT",
    });
    expect(work).not.toHaveBeenCalled();
    expect(lines).toEqual([expect.objectContaining({ level: "ERROR", code: "LAMBDA_INPUT" })]);
  });

  test("logs an error once, with its code and its cause, and throws it on", async () => {
    const logger = new Logger({ serviceName: "tripline" });
    const lines = captureLines(logger);
    const cause = new Error("connection refused");
    const failure = Object.assign(new Error("cannot store", { cause }), { code: "STORE" });
    const handler = lambdaHandler({ input, logger }, async () => {
      throw failure;
    });
    await expect(handler({ name: "Alice" }, context)).rejects.toBe(failure);
    expect(lines).toEqual([
      expect.objectContaining({
        level: "ERROR",
        message: "cannot store",
        code: "STORE",
        error: expect.objectContaining({ cause: expect.objectContaining({ message: "connection refused" }) }),
      }),
    ]);
  });

  test("writes the metrics when the handler returns and when it throws, and nothing when there are none", async () => {
    const metrics = new Metrics({ namespace: "Tripline" });
    const publish = jest
      .spyOn(metrics, "publishStoredMetrics")
      .mockImplementation(() => metrics.clearMetrics() as never);
    const logger = new Logger({ logLevel: "SILENT" });
    const handler = lambdaHandler({ input, logger, metrics }, async ({ name }, tools) => {
      if (name !== "quiet") tools.metrics.addMetric("Seen", MetricUnit.Count, 1);
      if (name === "bad") throw new Error("bad");
    });
    await handler({ name: "quiet" }, context);
    expect(publish).toHaveBeenCalledTimes(0);
    await handler({ name: "good" }, context);
    expect(publish).toHaveBeenCalledTimes(1);
    await expect(handler({ name: "bad" }, context)).rejects.toThrow("bad");
    expect(publish).toHaveBeenCalledTimes(2);
  });
});

test("reportRecordFailures logs what each record is and why it fails, and restarts its partition there", () => {
  const logger = new Logger({ serviceName: "tripline" });
  const lines = captureLines(logger);
  const metrics = new Metrics({ namespace: "Tripline" });
  const add = jest.spyOn(metrics, "addMetric");
  const error = Object.assign(new Error("no JSON"), { code: "ENVELOPE" });
  const key = Buffer.from('{"id":7}').toString("base64");
  const failure = { topic: "topic", partition: 2, offset: 30, key, error };
  const response = reportRecordFailures([failure], { logger, metrics });
  expect(response.batchItemFailures).toEqual([{ itemIdentifier: { partition: "topic-2", offset: 30 } }]);
  const message = expect.stringContaining("no JSON");
  expect(lines).toEqual([
    expect.objectContaining({ topic: "topic", partition: 2, offset: 30, key: '{"id":7}', code: "ENVELOPE", message }),
  ]);
  expect(add).toHaveBeenCalledWith("UndecodableRecords", "Count", 1);
});
