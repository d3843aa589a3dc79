import { describe, expect, test } from "@jest/globals";
import { Batcher } from "./batcher.ts";
import type { SourceRecord } from "./event.ts";
import { buildEvent, envelopeBytes, eventBytes, packRecord, partitionKey, toEventRecord } from "./event.ts";

const ENVELOPE = { eventSource: "aws:kafka", bootstrapServers: "b:9092" } as const;

function record(offset: number, valueBytes = 10): SourceRecord {
  return packRecord({ offset, timestamp: 0, key: null, value: Buffer.alloc(valueBytes, "x") });
}

function records(from: number, count: number, valueBytes?: number): SourceRecord[] {
  return Array.from({ length: count }, (_, i) => record(from + i, valueBytes));
}

function batcher(limits: { records?: number; windowMs?: number; payloadBytes?: number }, partitions = 2) {
  const made = new Batcher<string>({
    records: 100,
    windowMs: 500,
    payloadBytes: 1_000_000,
    envelopeBytes: envelopeBytes(ENVELOPE),
    ...limits,
  });
  for (let partition = 0; partition < partitions; partition += 1) made.open(partitionKey("t", partition), "owner");
  return made;
}

const shape = (batch: ReturnType<Batcher<string>["take"]>) =>
  Object.fromEntries((batch ?? []).map((slice) => [slice.key, slice.records.map(({ offset }) => offset)]));

describe("Batcher", () => {
  test("closes by the window, counted from the first record of all", () => {
    const made = batcher({});
    expect(made.dueAtMs(0)).toBeUndefined();
    made.add("t-1", [record(0)], 1_000);
    made.add("t-0", [record(0)], 1_400);
    expect(made.dueAtMs(0)).toBe(1_500);
    expect(shape(made.take(0))).toEqual({ "t-0": [0], "t-1": [0] });
    expect(made.dueAtMs(0)).toBeUndefined();
  });

  test("closes by the batch size at once and leaves the rest, in order", () => {
    const made = batcher({ records: 3 });
    made.add("t-0", records(0, 4), 1_000);
    expect(made.dueAtMs(0)).toBe(1_000);
    expect(shape(made.take(0))).toEqual({ "t-0": [0, 1, 2] });
    expect(made.dueAtMs(0)).toBe(1_500);
    expect(shape(made.take(0))).toEqual({ "t-0": [3] });
  });

  test("closes by the payload's bytes, which its JSON never exceeds", () => {
    const limit = 2_000;
    const made = batcher({ payloadBytes: limit });
    made.add("t-0", records(0, 20, 100), 1_000);
    made.add("t-1", records(0, 20, 100), 1_000);
    expect(made.dueAtMs(0)).toBe(1_000);
    const taken: number[] = [];
    for (let batch = made.take(0); batch !== undefined; batch = made.take(0)) {
      const slices = batch.map(({ key, records }, i) => ({
        key,
        records: records.map((one) => toEventRecord("t", i, one)),
      }));
      expect(eventBytes(buildEvent(ENVELOPE, slices))).toBeLessThanOrEqual(limit);
      taken.push(...batch.flatMap((slice) => slice.records.map(({ offset }) => offset)));
    }
    expect(taken).toHaveLength(40);
  });

  test("closes when a partition's buffer is full, unless that partition is held", () => {
    const made = batcher({ windowMs: 300_000 });
    made.add("t-0", [record(0)], 1_000);
    expect(made.dueAtMs(0, () => true)).toBe(1_000);
    expect(made.dueAtMs(0, () => false)).toBe(301_000);
    made.hold("t-0");
    expect(made.dueAtMs(0, () => true)).toBeUndefined();
  });

  test("gives a record that is too large alone", () => {
    const made = batcher({ payloadBytes: 2_000 });
    made.add("t-0", [record(0), record(1, 5_000), record(2)], 1_000);
    expect(shape(made.take(0))).toEqual({ "t-0": [0] });
    expect(shape(made.take(0))).toEqual({ "t-0": [1] });
    expect(shape(made.take(0))).toEqual({ "t-0": [2] });
  });

  test("serves partitions in turn, so that a busy one starves none", () => {
    const made = batcher({ records: 2 });
    made.add("t-0", records(0, 100), 1_000);
    made.add("t-1", records(0, 2), 1_000);
    expect(shape(made.take(0))).toEqual({ "t-0": [0, 1] });
    expect(shape(made.take(0))).toEqual({ "t-1": [0, 1] });
  });

  test("takes nothing from a held partition and everything from a released one", () => {
    const made = batcher({});
    made.add("t-0", [record(0)], 1_000);
    made.hold("t-0");
    expect(made.dueAtMs(0)).toBeUndefined();
    expect(made.take(0)).toBeUndefined();
    expect(made.buffered("t-0").records).toBe(1);
    made.release("t-0");
    expect(shape(made.take(0))).toEqual({ "t-0": [0] });
  });

  test("forgets what a closed partition had", () => {
    const made = batcher({});
    made.add("t-0", [record(0)], 1_000);
    made.close("t-0");
    made.open("t-0", "other");
    expect(made.take(0)).toBeUndefined();
    expect(made.buffered("t-0")).toEqual({ records: 0, bytes: 0 });
  });

  test("puts what arrived at several times into one batch, in order, and knows what comes first", () => {
    const made = batcher({ records: 5 });
    for (const from of [0, 2, 4, 6]) made.add("t-0", records(from, 2), 1_000 + from);
    expect(shape(made.take(0))).toEqual({ "t-0": [0, 1, 2, 3, 4] });
    expect(made.firstOffset("t-0")).toBe(5);
    expect(made.dueAtMs(0)).toBe(1_504);
    expect(shape(made.take(0))).toEqual({ "t-0": [5, 6, 7] });
    expect(made.firstOffset("t-0")).toBeUndefined();
    expect(made.buffered("t-0")).toEqual({ records: 0, bytes: 0 });
  });

  test("gives each poller batches of its own partitions only", () => {
    const made = batcher({});
    made.assign("t-1", 1);
    made.add("t-0", [record(0)], 1_000);
    made.add("t-1", [record(0)], 2_000);
    expect([made.dueAtMs(0), made.dueAtMs(1), made.dueAtMs(2)]).toEqual([1_500, 2_500, undefined]);
    expect(shape(made.take(1))).toEqual({ "t-1": [0] });
    expect(made.take(1)).toBeUndefined();
    expect(shape(made.take(0))).toEqual({ "t-0": [0] });
  });
});
