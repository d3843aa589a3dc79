import { afterAll, beforeAll, expect, test } from "@jest/globals";
import kafkajs, { type Admin, type Kafka, type KafkaMessage } from "kafkajs";
import type { EventRecord } from "../../src/delivery/event.ts";
import { type FailedBatch, openDestination } from "../../src/destinations/destination.ts";
import { type Broker, startBroker } from "../support/broker.ts";

let broker: Broker;
let kafka: Kafka;
let admin: Admin;

beforeAll(async () => {
  broker = await startBroker();
  kafka = new kafkajs.Kafka({ brokers: [broker.bootstrapServers], logLevel: kafkajs.logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [
      { topic: "failed", numPartitions: 3, replicationFactor: 1 },
      { topic: "narrow", replicationFactor: 1, configEntries: [{ name: "max.message.bytes", value: "20000" }] },
    ],
  });
}, 120_000);

afterAll(async () => {
  await admin.disconnect();
  await broker.stop();
});

function open(topic: string) {
  const producer = () => {
    const made = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, retry: { retries: 2 } });
    const connected = made.connect();
    return {
      async sendToTopic(name: string, messages: readonly { key: Buffer | null; value: string }[]) {
        await connected;
        await made.send({ topic: name, messages: [...messages], acks: -1 });
      },
      close: () => made.disconnect(),
    };
  };
  return openDestination(
    { kind: "kafka", topic },
    { region: "us-east-1", mappingId: "Mapping", producer, log: { debug: () => {} } },
  );
}

function failedBatch(count: number, valueBytes: number): FailedBatch {
  const records = Array.from({ length: count }, (_, offset): EventRecord => {
    return {
      topic: "orders",
      partition: 3,
      offset,
      timestamp: 1_700_000_000_000,
      timestampType: "CREATE_TIME",
      key: offset === 0 ? null : Buffer.from(`key ${offset % 2}`).toString("base64"),
      value: Buffer.alloc(valueBytes, offset).toString("base64"),
      headers: [],
    };
  });
  return {
    condition: "RetryAttemptsExhausted",
    requestId: "request",
    functionArn: "arn:aws:lambda:us-east-1:000000000000:function:agent",
    approximateInvokeCount: 3,
    response: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    timestampMs: 1_700_000_000_000,
    payloadBytes: 6_000_000,
    event: { eventSource: "SelfManagedKafka", bootstrapServers: "127.0.0.1:9092", records: { "orders-3": records } },
  };
}

async function read(topic: string, count: number): Promise<readonly KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId: `read-${topic}` });
  const messages: KafkaMessage[] = [];
  const all = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (messages.push(message) === count) all.resolve();
    },
  });
  await all.promise;
  await consumer.disconnect();
  return messages;
}

test("a full payload of 6 MB gets through, one message a record, in the order of each key", async () => {
  const count = 600;
  const destination = open("failed");

  await destination.deliver(failedBatch(count, 7_400));
  await destination.close();

  const messages = await read("failed", count);
  const offsets = (key: string | undefined) =>
    messages
      .filter((message) => message.key?.toString() === key)
      .map((message) => Number(JSON.parse(String(message.value)).KafkaBatchInfo.recordInfo.offset));
  const expected = Array.from({ length: count - 1 }, (_, index) => index + 1);
  expect(offsets("key 0")).toEqual(expected.filter((offset) => offset % 2 === 0));
  expect(offsets("key 1")).toEqual(expected.filter((offset) => offset % 2 === 1));
  expect(offsets(undefined)).toEqual([0]);
}, 60_000);

test("a record that is too large for the topic is named, with what to do", async () => {
  const destination = open("narrow");

  await expect(destination.deliver(failedBatch(1, 20_000))).rejects.toMatchObject({
    code: "SOK_DESTINATION_FAILED",
    message: expect.stringMatching(/^kafka:\/\/narrow .* from orders-3, offset 0, .*\(raise its max\.message\.bytes/),
  });
  await destination.close();
}, 60_000);

test("a topic that does not exist is named, and not made", async () => {
  const destination = open("nowhere");

  await expect(destination.deliver(failedBatch(1, 10))).rejects.toMatchObject({
    code: "SOK_DESTINATION_FAILED",
    message: "kafka://nowhere did not take a failed batch: the topic nowhere does not exist (create it)",
  });
  expect(await admin.listTopics()).not.toContain("nowhere");
  await destination.close();
}, 60_000);
