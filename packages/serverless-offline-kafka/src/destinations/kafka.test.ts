import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import kafkajs from "kafkajs";
import type { EventRecord } from "../delivery/event.ts";
import { type FailedBatch, openDestination, type TopicProducer } from "./destination.ts";
import type { RecordMessage } from "./invocation-record.ts";
import { chunks } from "./kafka.ts";

function failedBatch(values: readonly string[]): FailedBatch {
  const records = values.map(
    (value, index): EventRecord => ({
      topic: "orders",
      partition: 3,
      offset: 40 + index,
      timestamp: 1_700_000_000_000,
      timestampType: "CREATE_TIME",
      key: Buffer.from(`key ${index}`).toString("base64"),
      value: Buffer.from(value).toString("base64"),
      headers: [],
    }),
  );
  return {
    condition: "RetryAttemptsExhausted",
    requestId: "request",
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:agent",
    approximateInvokeCount: 3,
    response: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    timestampMs: 1_700_000_000_000,
    payloadBytes: 100,
    event: { eventSource: "SelfManagedKafka", bootstrapServers: "127.0.0.1:9092", records: { "orders-3": records } },
  };
}

function prepare(send: TopicProducer["sendToTopic"] = async () => {}) {
  const sendToTopic = jest.fn(send);
  const close = jest.fn(async () => {});
  const producer = jest.fn(() => ({ sendToTopic, close }));
  const destination = openDestination(
    { kind: "kafka", topic: "failed" },
    { region: "us-east-1", mappingId: "Mapping", producer, log: { debug: () => {} } },
  );
  return { close, destination, producer, sendToTopic };
}

/** As kafkajs rejects: the broker's answer inside what its retries make of it. */
function refusal(type: string): Error {
  const answer = new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error(`the broker says ${type}`), { type, code: 1 }),
  );
  return Object.assign(new kafkajs.KafkaJSNonRetriableError(answer), { cause: answer });
}

describe("a Kafka destination", () => {
  test("gets one message a record, from a producer that is made once and closed with it", async () => {
    const { close, destination, producer, sendToTopic } = prepare();
    expect(producer).not.toHaveBeenCalled();

    await destination.deliver(failedBatch(["a", "b"]));
    await destination.deliver(failedBatch(["c"]));
    await destination.close();

    expect(producer).toHaveBeenCalledTimes(1);
    expect(sendToTopic.mock.calls.map(([topic, messages]) => [topic, messages.map(({ key }) => String(key))])).toEqual([
      ["failed", ["key 0", "key 1"]],
      ["failed", ["key 0"]],
    ]);
    const [message] = sendToTopic.mock.calls[0]?.[1] ?? [];
    expect(JSON.parse(message?.value ?? "")).toMatchObject({ payload: { records: { "orders-3": [{ offset: 40 }] } } });
    expect(close).toHaveBeenCalledTimes(1);
  });

  test("gets a large batch in parts that a broker takes, one after the other", async () => {
    let running = 0;
    const { destination, sendToTopic } = prepare(async () => {
      running += 1;
      await Promise.resolve();
      expect(running).toBe(1);
      running -= 1;
    });

    await destination.deliver(failedBatch(Array.from({ length: 40 }, () => "x".repeat(100_000))));

    const sizes = sendToTopic.mock.calls.map(([, messages]) =>
      messages.reduce((sum, { value }) => sum + value.length, 0),
    );
    expect(Math.max(...sizes)).toBeLessThan(1_000_000);
    const keys = sendToTopic.mock.calls.flatMap(([, messages]) => messages.map(({ key }) => String(key)));
    expect(keys).toEqual(Array.from({ length: 40 }, (_, index) => `key ${index}`));
  });

  test("says so when a record is too large for the topic, and which", async () => {
    const { destination } = prepare(() => Promise.reject(refusal("MESSAGE_TOO_LARGE")));

    await expect(destination.deliver(failedBatch(["x".repeat(1_000_000)]))).rejects.toMatchObject({
      code: "SOK_DESTINATION_FAILED",
      message: expect.stringMatching(
        /^kafka:\/\/failed did not take .* bytes from orders-3, offset 40, .*max\.message\.bytes/,
      ),
    });
  });

  test("says so when the topic does not exist", async () => {
    const { destination } = prepare(() => Promise.reject(refusal("UNKNOWN_TOPIC_OR_PARTITION")));

    await expect(destination.deliver(failedBatch(["a"]))).rejects.toThrow(
      "the topic failed does not exist (create it)",
    );
  });

  test("says what else went wrong, and takes the next batch", async () => {
    const send = jest.fn<TopicProducer["sendToTopic"]>().mockRejectedValueOnce(new Error("no leader"));
    const { destination } = prepare(send);

    await expect(destination.deliver(failedBatch(["a"]))).rejects.toThrow(
      "kafka://failed did not take a failed batch: no leader",
    );
    await expect(destination.deliver(failedBatch(["a"]))).resolves.toBeUndefined();
  });
});

test("chunks keep every message, its order, and the limit wherever more than one message is in them", () => {
  const lengths = fc.array(fc.nat({ max: 1_200_000 }), { maxLength: 12 });
  fc.assert(
    fc.property(lengths, (list) => {
      const messages = list.map((length, offset): RecordMessage => {
        return { key: null, value: "v".repeat(length), partitionKey: "t-0", offset };
      });

      const parts = [...chunks(messages)];

      expect(parts.flat()).toEqual(messages);
      for (const part of parts) {
        expect(part.length).toBeGreaterThan(0);
        if (part.length > 1) expect(part.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThan(1_000_000);
      }
    }),
    { numRuns: 30 },
  );
});
