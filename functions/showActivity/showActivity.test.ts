import { Logger } from "@aws-lambda-powertools/logger";
import { describe, expect, jest, test } from "@jest/globals";
import type { KafkaRecord } from "../../shared/lambda/index.ts";
import { describeActivity } from "./activity.ts";
import { createHandler } from "./handler.ts";

const topic = "dbserver1.public.activity";
const source = { schema: "public", table: "activity", snapshot: "false", ts_us: 1_795_436_000_123_456 };
const alice = { id: 1, name: "Alice", email: null };

const record = (offset: number, value: object | string | null): KafkaRecord => ({
  topic,
  partition: 0,
  offset,
  timestamp: 1_795_436_000_250,
  timestampType: "CREATE_TIME",
  value:
    value === null ? null : Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64"),
  headers: [],
});

describe("describeActivity", () => {
  test.each([
    ["c", null, alice, "created"],
    ["r", null, alice, "read in snapshot"],
    ["u", alice, { ...alice, email: "alice@example.org" }, "updated"],
    ["d", { id: 1 }, null, "deleted"],
    ["t", null, null, "truncated"],
  ])("op %s", (op, before, after, what) => {
    expect(describeActivity(record(5, { op, before, after, source }))).toEqual({
      what,
      op,
      table: "public.activity",
      before,
      after,
      position: { topic, partition: 0, offset: 5 },
    });
  });

  test("a tombstone", () => {
    expect(describeActivity(record(6, null))).toEqual({
      what: "tombstone",
      position: { topic, partition: 0, offset: 6 },
    });
  });
});

describe("showActivity", () => {
  const logger = new Logger({ logLevel: "SILENT" });
  const info = jest.spyOn(logger, "info");
  const created = (offset: number) => record(offset, { op: "c", before: null, after: alice, source });
  const eventOf = (...records: KafkaRecord[]) => ({
    eventSource: "aws:kafka",
    bootstrapServers: "127.0.0.1:9092",
    records: { [`${topic}-0`]: records },
  });

  test("logs one line an event and returns how many", async () => {
    const result = await createHandler({ logger })(eventOf(created(1), record(2, null)));
    expect(result).toEqual({ count: 2, batchItemFailures: [] });
    expect(info.mock.calls).toEqual([
      [
        "created: public.activity",
        { op: "c", table: "public.activity", before: null, after: alice, position: { topic, partition: 0, offset: 1 } },
      ],
      ["tombstone", { position: { topic, partition: 0, offset: 2 } }],
    ]);
  });

  test("stops at a record that is no change event", async () => {
    const result = await createHandler({ logger })(eventOf(created(1), record(2, "hello"), created(3)));
    expect(result).toEqual({
      count: 1,
      batchItemFailures: [{ itemIdentifier: { partition: `${topic}-0`, offset: 2 } }],
    });
  });
});
