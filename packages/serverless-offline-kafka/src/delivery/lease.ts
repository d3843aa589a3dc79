import type { FailedBatch, FailureCondition } from "../destinations/destination.ts";
import type { RecordSchemaError } from "../registry/schema.ts";
import type { TopicPartition } from "./contract.ts";
import { partitionKey } from "./event.ts";
import type { Batch } from "./retry.ts";

/** The right to deliver a partition, from one assignment to its end. */
export interface Lease extends TopicPartition {
  readonly key: string;
  /** `leaving`: the group wants it back; what runs may end and is committed. `lost`: work done for it has no effect. */
  state: "held" | "leaving" | "lost";
  paused: boolean;
  /** The event poller that serves this partition, by number. */
  poller: number;
  /** Where the source reads on, once something came; of a lease that leaves, the first record that is not done. */
  nextOffset: number | undefined;
  /** Everything below is done and was handed to the committer. */
  doneOffset: number | undefined;
  committedOffset: number | undefined;
  /** Records on their way in, while a schema is fetched. Others wait for them. */
  intake: Promise<void> | undefined;
  /** By offset: records of this partition that no function will see, and why. */
  readonly rejected: Map<number, RecordSchemaError>;
  /** The delivery that has records of this partition, if any: it holds the partition. */
  holder: Delivery | undefined;
}

export function openLease({ topic, partition }: TopicPartition): Lease {
  return {
    topic,
    partition,
    key: partitionKey(topic, partition),
    state: "held",
    paused: false,
    poller: 0,
    nextOffset: undefined,
    doneOffset: undefined,
    committedOffset: undefined,
    intake: undefined,
    rejected: new Map(),
    holder: undefined,
  };
}

export interface GivenUp {
  readonly condition: FailureCondition;
  readonly response: FailedBatch["response"];
}

/** A batch on its way: invoked now, or waiting for its next attempt. Its partitions give no other records meanwhile. */
export interface Delivery {
  slices: Batch<Lease>;
  /** Failed invocations that count, of these records. */
  readonly failures: number;
  /** Attempts in a row that came to nothing, for the backoff: throttled, or a destination that did not answer. */
  readonly idleAttempts: number;
  readonly invocations: number;
  retryAtMs: number;
  /** No more invocations: only the destination is tried. */
  readonly givenUp?: GivenUp;
  /** Comes after this one, for it has records of the same partitions. */
  readonly next?: Delivery | undefined;
}

/** A delivery and those that come after it. */
export function* chain(delivery: Delivery | undefined): Generator<Delivery> {
  for (let one = delivery; one !== undefined; one = one.next) yield one;
}

/** The partitions that a delivery and those after it hold. */
export function heldBy(delivery: Delivery | undefined): Set<Lease> {
  const leases = new Set<Lease>();
  for (const { slices } of chain(delivery)) for (const { owner } of slices) leases.add(owner);
  return leases;
}

/** The lowest offset of a partition that a delivery, or one after it, still has to get done. */
export function firstOffsetOf(lease: Lease): number | undefined {
  let first: number | undefined;
  for (const { slices } of chain(lease.holder)) {
    const offset = slices.find(({ owner }) => owner === lease)?.records[0]?.offset;
    if (offset !== undefined && (first === undefined || offset < first)) first = offset;
  }
  return first;
}

/** Splits slices by a test of their records; a part without any record is undefined. */
export function partition(
  slices: Batch<Lease>,
  test: (record: Batch<Lease>[number]["records"][number]) => boolean,
): { readonly passed: Batch<Lease>; readonly other: Batch<Lease> } {
  const pick = (wanted: boolean) =>
    slices
      .map((slice) => ({ ...slice, records: slice.records.filter((record) => test(record) === wanted) }))
      .filter(({ records }) => records.length > 0);
  return { passed: pick(true), other: pick(false) };
}
