import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";

/** The most that one invocation may get: 6 MB. */
const PAYLOAD_BYTES_MAX = 6_291_456;

const sizes = (offsets: ReadonlyArray<Readonly<Record<number, readonly number[]>>>) =>
  offsets.map((byPartition) => Object.values(byPartition).flat().length);
const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i));

conformance("batch-size", "a batch has BatchSize records at the most", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: numbered(25) });
  const m = t.map(topic, { BatchSize: 10 });
  await m.committed({ 0: 25 });
  expect(sizes(m.fn.offsets)).toEqual([10, 10, 5]);
});

conformance("batch-size", "without BatchSize a batch has 100 records at the most", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: numbered(250) });
  const m = t.map(topic);
  await m.committed({ 0: 250 });
  expect(sizes(m.fn.offsets)).toEqual([100, 100, 50]);
});

conformance("window", "a batch that is not full waits for the window, counted from its first record", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["first"] });
  const m = t.map(topic, { MaximumBatchingWindowInSeconds: 2 }, { frozen: true });
  await m.polled(1);
  await m.clock.advance(1_000);
  await t.produce(topic, { 0: ["second"] });
  await m.polled(2);
  await m.clock.advance(999);
  expect(m.fn.offsets).toEqual([]);
  await m.clock.advance(1);
  await m.fn.invoked(1);
  expect(m.fn.offsets).toEqual([{ 0: [0, 1] }]);
});

conformance("window", "a batch that is full does not wait for the window", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b", "c"] });
  const m = t.map(topic, { BatchSize: 2, MaximumBatchingWindowInSeconds: 300 }, { frozen: true });
  await m.fn.invoked(1);
  await m.clock.advance(299_999);
  expect(m.fn.offsets).toEqual([{ 0: [0, 1] }]);
  await m.clock.advance(1);
  await m.fn.invoked(2);
  expect(m.fn.offsets).toEqual([{ 0: [0, 1] }, { 0: [2] }]);
});

conformance("window", "without a window a batch waits for 500 ms", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const m = t.map(topic, { MaximumBatchingWindowInSeconds: undefined }, { frozen: true });
  await m.polled(1);
  await m.clock.advance(499);
  expect(m.fn.offsets).toEqual([]);
  await m.clock.advance(1);
  await m.fn.invoked(1);
  expect(m.fn.offsets).toEqual([{ 0: [0] }]);
});

conformance("window", "with a window of 0 a record is delivered as it comes", async (t) => {
  const topic = await t.topic();
  const m = t.map(topic, { MaximumBatchingWindowInSeconds: 0 }, { frozen: true });
  await m.reads(0);
  await t.produce(topic, { 0: ["a"] });
  await m.fn.invoked(1);
  await t.produce(topic, { 0: ["b"] });
  await m.fn.invoked(2);
  expect(m.fn.offsets).toEqual([{ 0: [0] }, { 0: [1] }]);
});

conformance("payload", "a batch closes before its payload is larger than 6 MB", async (t) => {
  const topic = await t.topic();
  // 1.2 MB in base64: five fit, six do not. A broker takes 1 MB at once.
  for (let i = 0; i < 7; i += 1) await t.produce(topic, { 0: [Buffer.alloc(900_000, i)] });
  const m = t.map(topic, { MaximumBatchingWindowInSeconds: 300 }, { frozen: true });
  const event = await m.fn.invoked(1);
  expect(m.fn.offsets).toEqual([{ 0: [0, 1, 2, 3, 4] }]);
  expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX);
});

conformance("mixed", "a batch has records of several partitions", async (t) => {
  const topic = await t.topic(2);
  await t.produce(topic, { 0: ["a", "b"], 1: ["c"] });
  const m = t.map(topic, { MaximumBatchingWindowInSeconds: 1 }, { frozen: true });
  await m.polled(3);
  await m.clock.advance(1_000);
  const event = await m.fn.invoked(1);
  expect(Object.keys(event.records).sort()).toEqual([`${topic}-0`, `${topic}-1`]);
  expect(m.fn.offsets).toEqual([{ 0: [0, 1], 1: [0] }]);
});
