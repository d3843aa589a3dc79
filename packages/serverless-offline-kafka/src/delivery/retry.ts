import type { Slice } from "./batcher.ts";
import type { EventRecord } from "./event.ts";

/** What one invocation gets. */
export type Batch<Owner> = ReadonlyArray<Slice<Owner, EventRecord>>;

/** What an invocation says about a batch. */
export type Verdict =
  | { readonly kind: "succeeded" }
  /** The function was not invoked. */
  | { readonly kind: "throttled" }
  | { readonly kind: "failed" }
  /** By partition the lowest failed offset; partitions that are not named have succeeded. */
  | { readonly kind: "partial"; readonly lowestFailed: ReadonlyMap<string, number> };

export interface RetryPolicy {
  /** Invocations after the first one; Infinity for ever. */
  readonly retryAttemptsMax: number;
  readonly bisectBatchOnFunctionError: boolean;
}

/** What becomes of a batch after an invocation. */
export type NextStep<Owner> =
  | { readonly kind: "done" }
  /** `failures`: failed invocations that count, of these records. */
  | { readonly kind: "retry"; readonly slices: Batch<Owner>; readonly failures: number }
  /** Two batches from one. They share a partition only if they are both of one: then the second waits for the first. */
  | { readonly kind: "split"; readonly halves: readonly [Batch<Owner>, Batch<Owner>]; readonly failures: number }
  | { readonly kind: "giveUp"; readonly slices: Batch<Owner> };

/**
 * Decides what becomes of a batch [kafka-retry-configurations, kafka-batch-item-failures].
 *
 * - For each partition, what is before the lowest failed record is done.
 * - A batch that got rid of some records is another batch: its failures are counted anew.
 * - Splitting a batch does not use up an attempt [kinesis-on-failure-destination; for Kafka AWS does not say], nor does
 *   being throttled: an attempt is an invocation that failed.
 */
export function nextStep<Owner>(
  slices: Batch<Owner>,
  failures: number,
  verdict: Verdict,
  { retryAttemptsMax, bisectBatchOnFunctionError }: RetryPolicy,
): NextStep<Owner> {
  if (verdict.kind === "succeeded") return { kind: "done" };
  if (verdict.kind === "throttled") return { kind: "retry", slices, failures };
  const remaining = verdict.kind === "partial" ? fromLowestFailed(slices, verdict.lowestFailed) : slices;
  const progressed = recordsIn(remaining) < recordsIn(slices);
  if (bisectBatchOnFunctionError) {
    // The report has already split the batch, at the failed record.
    if (progressed) return { kind: "retry", slices: remaining, failures: 0 };
    if (recordsIn(remaining) > 1) return { kind: "split", halves: halve(remaining), failures };
  }
  const counted = progressed ? 1 : failures + 1;
  if (counted > retryAttemptsMax) return { kind: "giveUp", slices: remaining };
  return { kind: "retry", slices: remaining, failures: counted };
}

export function recordsIn(slices: Batch<unknown>): number {
  let records = 0;
  for (const slice of slices) records += slice.records.length;
  return records;
}

function fromLowestFailed<Owner>(slices: Batch<Owner>, lowestFailed: ReadonlyMap<string, number>): Batch<Owner> {
  const remaining: Slice<Owner, EventRecord>[] = [];
  for (const slice of slices) {
    const lowest = lowestFailed.get(slice.key);
    if (lowest === undefined) continue;
    remaining.push({ ...slice, records: slice.records.filter(({ offset }) => offset >= lowest) });
  }
  return remaining;
}

/** Between two partitions where there are several, as near to the middle as that goes: halves then need not wait. */
function halve<Owner>(slices: Batch<Owner>): [Batch<Owner>, Batch<Owner>] {
  const only = slices[0];
  if (slices.length === 1 && only !== undefined) {
    const middle = Math.ceil(only.records.length / 2);
    return [[{ ...only, records: only.records.slice(0, middle) }], [{ ...only, records: only.records.slice(middle) }]];
  }
  const half = recordsIn(slices) / 2;
  let cut = 1;
  let before = recordsIn(slices.slice(0, 1));
  while (cut < slices.length - 1) {
    const after = before + recordsIn(slices.slice(cut, cut + 1));
    if (Math.abs(after - half) >= Math.abs(before - half)) break;
    before = after;
    cut += 1;
  }
  return [slices.slice(0, cut), slices.slice(cut)];
}
