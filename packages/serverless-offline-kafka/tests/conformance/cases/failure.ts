import { expect } from "@jest/globals";
import { conformance } from "../conformance.ts";
import { Held, isThrottled, type Reply, reports, returns, succeeds, throws, throwsOn } from "../function.ts";

const CONCURRENT = { ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 1 } };
const PARTIAL = { FunctionResponseTypes: ["ReportBatchItemFailures"] };
const MINUTE_MS = 60_000;

conformance("function-error", "a batch whose function throws is tried again as it was", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const m = t.map(topic, {}, { replies: [throws, throws, succeeds] });
  await m.committed({ 0: 2 });
  expect(m.fn.offsets).toEqual([{ 0: [0, 1] }, { 0: [0, 1] }, { 0: [0, 1] }]);
  expect(new Set(m.fn.events.map((event) => JSON.stringify(event))).size).toBe(1);
});

conformance("throttle", "a throttled batch is tried again, which uses up no attempt", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const m = t.map(
    topic,
    { MaximumRetryAttempts: 1 },
    { replies: [isThrottled, isThrottled, throws, isThrottled, isThrottled, succeeds] },
  );
  await m.committed({ 0: 1 });
  expect(m.fn.events).toHaveLength(6);
  expect(m.mapping.metrics.get("DroppedEventCount")).toBe(0);
});

conformance("backoff", "waits between attempts double, up to 30 s, and vary", async (t) => {
  const waits = async (chance: number) => {
    const topic = await t.topic();
    const m = t.map(topic, {}, { replies: [...Array(9).fill(throws), succeeds] });
    m.clock.chance = chance;
    await t.produce(topic, { 0: ["a"] });
    await m.committed({ 0: 1 });
    return m.clock.delaysMs;
  };
  expect(await waits(0.1)).toEqual([275, 550, 1_100, 2_200, 4_400, 8_800, 16_500, 16_500, 16_500]);
  expect(await waits(0.9)).toEqual([475, 950, 1_900, 3_800, 7_600, 15_200, 28_500, 28_500, 28_500]);
});

conformance("blocking", "a failing batch holds back its own partitions and no others", async (t) => {
  const topic = await t.topic(2);
  await t.produce(topic, { 0: ["bad"] });
  const m = t.map(topic, { BatchSize: 1 }, { replies: [throwsOn("bad")], frozen: true });
  await m.fn.invoked(1);
  await t.produce(topic, { 0: ["behind"] });
  await m.polled(2);
  await t.produce(topic, { 1: ["beside"] });
  await m.committed({ 1: 1 });
  expect(m.fn.values).toEqual(["bad", "beside"]);
  m.fn.replies = [succeeds];
  await m.clock.advance(MINUTE_MS);
  await m.committed({ 0: 2, 1: 1 });
  expect(m.fn.values).toEqual(["bad", "beside", "bad", "behind"]);
});

conformance("retry-attempts", "without a maximum a batch is tried until it succeeds", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a"] });
  const m = t.map(topic, {}, { replies: [...Array(50).fill(throws), succeeds] });
  await m.committed({ 0: 1 });
  expect(m.fn.events).toHaveLength(51);
  expect(m.mapping.metrics.get("DroppedEventCount")).toBe(0);
});

conformance("retry-attempts", "a batch is given up after MaximumRetryAttempts, and the next one comes", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["bad", "good"] });
  const m = t.map(topic, { BatchSize: 1, MaximumRetryAttempts: 2 }, { replies: [throwsOn("bad")] });
  await m.committed({ 0: 2 });
  expect(m.fn.values).toEqual(["bad", "bad", "bad", "good"]);
  await m.line(/SOK_RECORDS_DROPPED: .*-0 offsets 0-0: RetryAttemptsExhausted/);
  expect(m.mapping.metrics.get("DroppedEventCount")).toBe(1);
});

conformance("retry-attempts", "with MaximumRetryAttempts 0 a batch is tried once", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["bad", "good"] });
  const m = t.map(topic, { BatchSize: 1, MaximumRetryAttempts: 0 }, { replies: [throwsOn("bad")] });
  await m.committed({ 0: 2 });
  expect(m.fn.values).toEqual(["bad", "good"]);
});

conformance(
  "record-age",
  "a record that is too old is given up without an invocation, its neighbours are delivered",
  async (t) => {
    const topic = await t.topic();
    const old = { value: "old", timestampMs: Date.now() - 10 * MINUTE_MS };
    await t.produce(topic, { 0: ["a", old, "b"] });
    const m = t.map(topic, { MaximumRecordAgeInSeconds: 300 });
    await m.committed({ 0: 3 });
    expect([...m.fn.values].sort()).toEqual(["a", "b"]);
    await m.line(/SOK_RECORDS_DROPPED: .*-0 offsets 1-1: RecordAgeExceeded/);
  },
);

conformance("record-age", "a record that becomes too old while it is tried again is given up", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["bad"] });
  const m = t.map(topic, { MaximumRecordAgeInSeconds: 60 }, { replies: [throwsOn("bad")] });
  await m.committed({ 0: 1 });
  // 375 ms, then twice as long each time, until a minute is over.
  expect(m.fn.events.length).toBeGreaterThan(5);
  expect(m.fn.events.length).toBeLessThan(11);
  await m.line(/SOK_RECORDS_DROPPED: .*RecordAgeExceeded/);
});

conformance(
  "partial",
  "what is before the lowest failed offset is committed, the rest of that partition comes again",
  async (t) => {
    const topic = await t.topic(2);
    await t.produce(topic, { 0: ["a", "b", "c", "d"], 1: ["e", "f"] });
    const held = new Held();
    const failing = (...offsets: readonly number[]) => {
      const itemIdentifiers = offsets.map((offset) => ({ itemIdentifier: { partition: `${topic}-0`, offset } }));
      return returns({ batchItemFailures: itemIdentifiers });
    };
    const m = t.map(
      topic,
      { ...PARTIAL, MaximumBatchingWindowInSeconds: 1 },
      { replies: [failing(3, 2), held.reply], frozen: true },
    );
    await m.polled(6);
    await m.clock.advance(1_000);
    await m.fn.invoked(1);
    await m.committed({ 0: 2, 1: 2 });
    await m.clock.advance(1_000);
    await m.fn.invoked(2);
    expect(m.fn.offsets).toEqual([{ 0: [0, 1, 2, 3], 1: [0, 1] }, { 0: [2, 3] }]);
    held.end();
    await m.committed({ 0: 4, 1: 2 });
  },
);

conformance("partial", "no response, no list, null and an empty list mean success", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b", "c", "d", "e"] });
  const replies = [undefined, null, {}, { batchItemFailures: null }, { batchItemFailures: [] }].map(returns);
  const m = t.map(topic, { ...PARTIAL, BatchSize: 1 }, { replies });
  await m.committed({ 0: 5 });
  expect(m.fn.values).toEqual(["a", "b", "c", "d", "e"]);
});

conformance("partial", "an identifier that is not in the batch fails the whole batch", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const unknown = (partition: string, offset: number) =>
    returns({
      batchItemFailures: [
        { itemIdentifier: { partition: `${topic}-0`, offset: 1 } },
        { itemIdentifier: { partition, offset } },
      ],
    });
  const m = t.map(topic, PARTIAL, { replies: [unknown(`${topic}-1`, 1), unknown(`${topic}-0`, 2), succeeds] });
  await m.committed({ 0: 2 });
  expect(m.fn.offsets).toEqual([{ 0: [0, 1] }, { 0: [0, 1] }, { 0: [0, 1] }]);
});

conformance("partial", "an identifier that is malformed fails the whole batch", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const malformed = [
    { batchItemFailures: [{}] },
    { batchItemFailures: [{ itemIdentifier: null }] },
    { batchItemFailures: [{ itemIdentifier: { partition: "", offset: 1 } }] },
    { batchItemFailures: [{ itemIdentifier: { partition: `${topic}-0` } }] },
  ].map(returns);
  const m = t.map(topic, PARTIAL, { replies: [...malformed, succeeds] });
  await m.committed({ 0: 2 });
  expect(m.fn.offsets).toEqual(Array(5).fill({ 0: [0, 1] }));
});

conformance("partial", "without ReportBatchItemFailures the response is not looked at", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["a", "b"] });
  const m = t.map(topic, {}, { replies: [reports({ 0: 0 })] });
  await m.committed({ 0: 2 });
  expect(m.fn.offsets).toEqual([{ 0: [0, 1] }]);
});

conformance("bisect", "a failed batch is halved until the bad record is alone", async (t) => {
  const topic = await t.topic();
  await t.produce(topic, { 0: ["0", "1", "2", "3", "4", "bad", "6", "7"] });
  const m = t.map(topic, { BisectBatchOnFunctionError: true, MaximumRetryAttempts: 1 }, { replies: [throwsOn("bad")] });
  await m.committed({ 0: 8 });
  expect(m.fn.offsets.map((offsets) => offsets[0]?.join(""))).toEqual([
    "01234567",
    "0123",
    "4567",
    "45",
    "4",
    "5",
    "5",
    "67",
  ]);
  await m.line(/SOK_RECORDS_DROPPED: .*-0 offsets 5-5: RetryAttemptsExhausted/);
});

conformance("bisect", "the halves of a batch of two partitions do not wait for each other", async (t) => {
  const topic = await t.topic(2);
  await t.produce(topic, { 0: ["bad"], 1: ["a"] });
  const held = new Held();
  const half: Reply = (event) => (`${topic}-0` in event.records ? held.reply(event) : succeeds(event));
  const m = t.map(
    topic,
    { ...CONCURRENT, BisectBatchOnFunctionError: true, MaximumBatchingWindowInSeconds: 1 },
    { replies: [throws, half], frozen: true },
  );
  await m.polled(2);
  await m.clock.advance(1_000);
  await m.fn.invoked(1);
  await m.clock.advance(1_000);
  await m.committed({ 1: 1 });
  expect(m.fn.offsets).toEqual([{ 0: [0], 1: [0] }, { 0: [0] }, { 1: [0] }]);
  held.end();
  await m.committed({ 0: 1, 1: 1 });
});
