import { describe, expect, test } from "@jest/globals";
import { decodeRecords, KafkaEvent, type KafkaRecord, kafkaBatchResponse, parseInput } from "./index.ts";

const record = (partition: number, offset: number, value: string | null = "e30="): KafkaRecord => ({
  topic: "topic",
  partition,
  offset,
  timestamp: 1_795_000_000_000,
  timestampType: "CREATE_TIME",
  key: "MQ==",
  value,
  headers: [{ trace: [97, 98] }],
});

const event = (records: Record<string, unknown>) => ({
  eventSource: "aws:kafka",
  eventSourceArn: "arn:aws:kafka:us-east-1:000000000000:cluster/tripline/1",
  bootstrapServers: "127.0.0.1:9092",
  records,
});

describe("KafkaEvent", () => {
  test("accepts the event of an MSK and of a self-managed mapping", () => {
    const msk = event({ "topic-0": [record(0, 7), record(0, 8, null)] });
    expect(parseInput(KafkaEvent, msk)).toEqual(msk);
    const { eventSourceArn: _, ...selfManaged } = { ...msk, eventSource: "SelfManagedKafka" };
    expect(parseInput(KafkaEvent, selfManaged)).toEqual(selfManaged);
  });

  test("hands the records on as they are, without copying them", () => {
    const records = { "topic-0": [record(0, 7)] };
    expect(parseInput(KafkaEvent, event(records)).records).toBe(records);
  });

  test.each([
    [{}, /eventSource/],
    [{ ...event({}), eventSource: "aws:sqs" }, /eventSource/],
    [event([] as never), /records/],
    [event({ "topic-0": {} }), /topic-0: Expected a list/],
    [event({ "topic-0": [{ ...record(0, 7), offset: "7" }] }), /topic-0: 0\.offset/],
    [event({ "topic-1": [record(0, 7)] }), /topic-1: 0: is of topic-0/],
  ])("refuses %j", (wrong, message) => {
    const parse = () => parseInput(KafkaEvent, wrong);
    expect(parse).toThrow(expect.objectContaining({ code: "LAMBDA_INPUT" }));
    expect(parse).toThrow(message);
  });

  test("costs the same for 10,000 records as for one", () => {
    const records = Array.from({ length: 10_000 }, (_, offset) => record(0, offset));
    const watched = new Proxy(records, {
      get(target, property, receiver) {
        if (typeof property === "string" && /^\d+$/.test(property) && property !== "0") {
          throw new Error(`looked at record ${property}`);
        }
        return Reflect.get(target, property, receiver);
      },
    });
    expect(() => parseInput(KafkaEvent, event({ "topic-0": watched }))).not.toThrow();
  });
});

describe("decodeRecords", () => {
  test("stops a partition at its first failure and goes on with the others", () => {
    const failure = new Error("poison");
    const batch = parseInput(
      KafkaEvent,
      event({ "topic-0": [record(0, 1), record(0, 2), record(0, 3)], "topic-1": [record(1, 9)] }),
    );
    const { decoded, failures } = decodeRecords(batch, ({ partition, offset }) => {
      if (partition === 0 && offset === 2) throw failure;
      return offset * 10;
    });
    expect(decoded.map(({ value }) => value)).toEqual([10, 90]);
    expect(failures).toEqual([{ topic: "topic", partition: 0, offset: 2, key: "MQ==", error: failure }]);
  });
});

describe("kafkaBatchResponse", () => {
  test("no failures: everything is done", () => {
    expect(kafkaBatchResponse([])).toEqual({ batchItemFailures: [] });
  });

  test("names the lowest failed offset of each partition", () => {
    const failed = (partition: number, offset: number) => ({ topic: "topic", partition, offset });
    expect(kafkaBatchResponse([failed(0, 8), failed(0, 7), failed(3, 100)])).toEqual({
      batchItemFailures: [
        { itemIdentifier: { partition: "topic-0", offset: 7 } },
        { itemIdentifier: { partition: "topic-3", offset: 100 } },
      ],
    });
  });
});
