import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";
import { CLUSTER_ARN } from "../harness.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const bytes = (text: string) => [...Buffer.from(text)];

conformance("event", "an event of Amazon MSK has the ARN of the cluster", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const event = await t.map(topic, {}, { msk: true }).fn.invoked(1);
  expect(event).toEqual({
    eventSource: "aws:kafka",
    eventSourceArn: CLUSTER_ARN,
    bootstrapServers: t.stage.broker.bootstrapServers,
    records: { [`${topic}-0`]: [expect.objectContaining({ offset: 0 })] },
  });
});

conformance("event", "an event of a self-managed cluster has no ARN", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const event = await t.map(topic).fn.invoked(1);
  expect(event).toEqual({
    eventSource: "SelfManagedKafka",
    bootstrapServers: t.stage.broker.bootstrapServers,
    records: { [`${topic}-0`]: [expect.objectContaining({ offset: 0 })] },
  });
});

conformance("event", "a record has its topic, partition, offset, timestamp, key and value", async (t) => {
  const topic = await t.topic(3);
  await t.produce(topic, { 2: [{ key: "customer 7", value: "wört", timestampMs: 1_700_000_000_123 }] });
  const event = await t.map(topic).fn.invoked(1);
  expect(event.records).toStrictEqual({
    [`${topic}-2`]: [
      {
        topic,
        partition: 2,
        offset: 0,
        timestamp: 1_700_000_000_123,
        timestampType: "CREATE_TIME",
        key: base64("customer 7"),
        value: base64("wört"),
        headers: [],
      },
    ],
  });
});

conformance("event", "headers are lists of bytes, and a name may come twice", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: [{ value: "a", headers: { trace: "ä1", retry: ["x", Buffer.from([0, 255])] } }] });
  const event = await t.map(topic).fn.invoked(1);
  const [record] = event.records[`${topic}-0`] ?? [];
  expect(record?.headers).toStrictEqual([{ trace: bytes("ä1") }, { retry: bytes("x") }, { retry: [0, 255] }]);
});

conformance("event", "a tombstone has a value of null, a record without key a key of null", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: [{ key: "gone", value: null }, "no key"] });
  const event = await t.map(topic).fn.invoked(1);
  const records = event.records[`${topic}-0`] ?? [];
  expect(records.map(({ key, value }) => [key, value])).toEqual([
    [base64("gone"), null],
    [null, base64("no key")],
  ]);
});

conformance("event", "the type of a timestamp is CREATE_TIME or LOG_APPEND_TIME", async (t) => {
  const byBroker = await t.topic(1, { "message.timestamp.type": "LogAppendTime" });
  await t.produce(byBroker, { 0: [{ value: "a", timestampMs: 1_700_000_000_000 }] });
  const [appended] = Object.values((await t.map(byBroker).fn.invoked(1)).records).flat();
  expect(appended?.timestampType).toBe("LOG_APPEND_TIME");
  expect(appended?.timestamp).toBeGreaterThan(1_700_000_000_000);

  const byProducer = await t.topic();
  await t.produce(byProducer, { 0: [{ value: "a", timestampMs: 1_700_000_000_000 }] });
  const [created] = Object.values((await t.map(byProducer).fn.invoked(1)).records).flat();
  expect(created).toMatchObject({ timestampType: "CREATE_TIME", timestamp: 1_700_000_000_000 });
});
