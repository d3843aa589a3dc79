import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Admin, Producer } from "kafkajs";
import kafkajs from "kafkajs";
import type { SourceRecord } from "../../src/delivery/event.ts";
import { recordKey, recordValue } from "../../src/delivery/event.ts";
import { KafkaJsSource } from "../../src/kafka/kafka-source.ts";
import type { Broker } from "../support/broker.ts";
import {
  connectAdmin,
  connectKafka,
  connectProducer,
  createTopic,
  startBroker,
  uniqueName,
} from "../support/broker.ts";

let broker: Broker;
let admin: Admin;
let producer: Producer;
const sources: KafkaJsSource[] = [];

beforeAll(async () => {
  broker = await startBroker();
  admin = await connectAdmin(broker);
  producer = await connectProducer(broker);
}, 120_000);

afterAll(async () => {
  await Promise.all(sources.map((source) => source.stop()));
  await producer?.disconnect();
  await admin?.disconnect();
  await broker?.stop();
});

/** What a source reads of a topic, up to and with a record of this value. */
async function readUntil(topic: string, last: string): Promise<{ records: SourceRecord[]; nextOffset: number }> {
  const done = Promise.withResolvers<void>();
  const records: SourceRecord[] = [];
  let nextOffset = 0;
  const source = new KafkaJsSource({
    name: "test",
    mapping: {
      topic,
      groupId: uniqueName("group"),
      bootstrapServers: [broker.bootstrapServers],
      startingPosition: { kind: "TRIM_HORIZON" },
      filterPatterns: [],
    },
    security: async () => ({}),
    log: { debug: () => {}, notice: () => {}, warning: console.error, error: console.error },
  });
  sources.push(source);
  source.start({
    onAssigned: () => {},
    onRevoked: async () => {},
    onLost: () => {},
    onUnfenced: () => {},
    onRecords: (_at, more, next) => {
      records.push(...more);
      nextOffset = next;
      if (more.some((record) => recordValue(record)?.toString() === last)) done.resolve();
    },
  });
  await done.promise;
  return { records, nextOffset };
}

const text = (record: SourceRecord) => String(recordValue(record));

describe("a source reads from a real broker", () => {
  test("keys, values, headers and tombstones as they were written", async () => {
    const topic = uniqueName("plain");
    await createTopic(admin, topic);
    const timestamp = "1700000000123";
    await producer.send({
      topic,
      messages: [
        { key: "k", value: "v", timestamp, headers: { a: "1", b: ["2", "3"] } },
        { key: "k", value: null, timestamp },
        { value: "", timestamp },
        { value: "end", timestamp },
      ],
    });
    const { nextOffset, records } = await readUntil(topic, "end");
    expect(
      records.map((record) => [
        record.offset,
        record.timestamp,
        recordKey(record),
        recordValue(record),
        record.headers,
      ]),
    ).toEqual([
      [
        0,
        1700000000123,
        Buffer.from("k"),
        Buffer.from("v"),
        [
          ["a", Buffer.from("1")],
          ["b", Buffer.from("2")],
          ["b", Buffer.from("3")],
        ],
      ],
      [1, 1700000000123, Buffer.from("k"), null, []],
      [2, 1700000000123, null, Buffer.from(""), []],
      [3, 1700000000123, null, Buffer.from("end"), []],
    ]);
    expect(nextOffset).toBe(4);
    // Decoded by this package: kafkajs would have given each record a buffer of its own.
    expect(records[1]?.bytes).toBe(records[0]?.bytes);
  });

  test.each([
    ["gzip", kafkajs.CompressionTypes.GZIP],
    ["zstd", kafkajs.CompressionTypes.ZSTD],
  ])("%s, in several batches", async (name, compression) => {
    const topic = uniqueName(name);
    await createTopic(admin, topic);
    for (let i = 0; i < 5; i += 1) {
      const messages = Array.from({ length: 100 }, (_, j) => ({ value: `${i * 100 + j}` }));
      await producer.send({ topic, compression, messages });
    }
    const { records } = await readUntil(topic, "499");
    expect(records.map(text)).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  });

  test("the broker's own timestamps, where the topic has them", async () => {
    const topic = uniqueName("append-time");
    await admin.createTopics({
      topics: [{ topic, configEntries: [{ name: "message.timestamp.type", value: "LogAppendTime" }] }],
    });
    const before = Date.now();
    await producer.send({ topic, messages: [{ value: "end", timestamp: "5" }] });
    const { records } = await readUntil(topic, "end");
    expect(records[0]?.logAppendTime).toBe(true);
    expect(records[0]?.timestamp).toBeGreaterThanOrEqual(before);
  });

  test("committed transactions and not aborted ones, and gets past their markers", async () => {
    const topic = uniqueName("transactions");
    await createTopic(admin, topic);
    const transactional = connectKafka(broker).producer({
      transactionalId: uniqueName("tx"),
      maxInFlightRequests: 1,
      idempotent: true,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await transactional.connect();
    for (const outcome of ["abort", "commit", "abort", "commit"] as const) {
      const transaction = await transactional.transaction();
      await transaction.send({ topic, messages: [{ value: `${outcome} 1` }, { value: `${outcome} 2` }] });
      await transaction[outcome]();
    }
    await producer.send({ topic, messages: [{ value: "end" }] });
    await transactional.disconnect();
    const { nextOffset, records } = await readUntil(topic, "end");
    expect(records.map(text)).toEqual(["commit 1", "commit 2", "commit 1", "commit 2", "end"]);
    expect(nextOffset).toBe(13);
  });
});
