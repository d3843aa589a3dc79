import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EventRecord } from "./event.ts";
import { packRecord, partitionKey, toEventRecord } from "./event.ts";
import type { Batch, RetryPolicy, Verdict } from "./retry.ts";
import { nextStep, recordsIn } from "./retry.ts";

function record(partition: number, offset: number): EventRecord {
  return toEventRecord("t", partition, packRecord({ offset, timestamp: 0, key: null, value: null }));
}

function batch(counts: readonly number[]): Batch<number> {
  return counts.map((count, partition) => ({
    key: partitionKey("t", partition),
    owner: partition,
    records: Array.from({ length: count }, (_, offset) => record(partition, offset)),
  }));
}

const FOR_EVER: RetryPolicy = { retryAttemptsMax: Number.POSITIVE_INFINITY, bisectBatchOnFunctionError: false };
const sizes = (slices: Batch<number>) => slices.map(({ key, records }) => `${key}:${records.length}`);

describe("nextStep", () => {
  test.each([0, 1, 3])("allows %i attempts after the first", (retryAttemptsMax) => {
    const policy = { ...FOR_EVER, retryAttemptsMax };
    let failures = 0;
    let attempts = 0;
    for (;;) {
      attempts += 1;
      const step = nextStep(batch([2]), failures, { kind: "failed" }, policy);
      if (step.kind === "giveUp") break;
      if (step.kind !== "retry") throw new Error(step.kind);
      failures = step.failures;
    }
    expect(attempts).toBe(1 + retryAttemptsMax);
  });

  test("does not count being throttled", () => {
    const slices = batch([2]);
    const step = nextStep(slices, 3, { kind: "throttled" }, { ...FOR_EVER, retryAttemptsMax: 0 });
    expect(step).toEqual({ kind: "retry", slices, failures: 3 });
  });

  test.each([
    [[10], ["t-0:5"], ["t-0:5"]],
    [[3], ["t-0:2"], ["t-0:1"]],
    [[1, 9], ["t-0:1"], ["t-1:9"]],
    [[4, 4, 4], ["t-0:4"], ["t-1:4", "t-2:4"]],
    [[2, 3, 1, 1], ["t-0:2"], ["t-1:3", "t-2:1", "t-3:1"]],
    [[9, 1, 1], ["t-0:9"], ["t-1:1", "t-2:1"]],
  ])("halves %j into %j and %j", (counts, first, second) => {
    const step = nextStep(batch(counts), 0, { kind: "failed" }, { ...FOR_EVER, bisectBatchOnFunctionError: true });
    expect(step.kind === "split" && step.halves.map(sizes)).toEqual([first, second]);
  });

  test("never halves a single record", () => {
    const step = nextStep(batch([1]), 0, { kind: "failed" }, { retryAttemptsMax: 0, bisectBatchOnFunctionError: true });
    expect(step.kind).toBe("giveUp");
  });
});

const verdict: fc.Arbitrary<Verdict> = fc.oneof(
  fc.constantFrom<Verdict>({ kind: "failed" }, { kind: "throttled" }),
  fc
    .dictionary(fc.constantFrom("t-0", "t-1", "t-2"), fc.nat({ max: 5 }), { minKeys: 1 })
    .map((lowest): Verdict => ({ kind: "partial", lowestFailed: new Map(Object.entries(lowest)) })),
);

test("keeps every record that is not done, once and in order, whatever is decided", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 6, max: 12 }), { minLength: 1, maxLength: 3 }),
      verdict,
      fc.record({
        retryAttemptsMax: fc.constantFrom(0, 2, Number.POSITIVE_INFINITY),
        bisectBatchOnFunctionError: fc.boolean(),
      }),
      fc.nat({ max: 3 }),
      (counts, said, policy, failures) => {
        const slices = batch(counts);
        const step = nextStep(slices, failures, said, policy);
        const left = step.kind === "done" ? [] : step.kind === "split" ? step.halves.flat() : step.slices;
        for (const slice of slices) {
          const lowest = said.kind === "partial" ? (said.lowestFailed.get(slice.key) ?? 1_000) : 0;
          const wanted = slice.records.filter(({ offset }) => offset >= lowest);
          expect(left.filter(({ key }) => key === slice.key).flatMap(({ records }) => records)).toEqual(wanted);
        }
        expect(left.every(({ records }) => records.length > 0)).toBe(true);
        if (step.kind === "split") expect(Math.min(...step.halves.map(recordsIn))).toBeGreaterThan(0);
      },
    ),
  );
});
