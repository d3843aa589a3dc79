import type { EventRecord } from "./event.ts";
import { partitionBytes, recordBytes } from "./event.ts";

/** When a batch closes. */
export interface BatchLimits {
  readonly records: number;
  /** Counted from the arrival of the batch's first record. */
  readonly windowMs: number;
  /** Of the whole invocation payload, in bytes of JSON. */
  readonly payloadBytes: number;
  /** What the payload takes without any partition. */
  readonly envelopeBytes: number;
}

/** Consecutive records of one partition, in one batch. `Owner` says on whose behalf they were fetched. */
export interface BatchSlice<Owner> {
  readonly key: string;
  readonly owner: Owner;
  readonly records: readonly EventRecord[];
}

export interface Batch<Owner> {
  readonly slices: ReadonlyArray<BatchSlice<Owner>>;
  /** Of the invocation payload: never less than its JSON takes, and more by at most a byte for each list in it. */
  readonly payloadBytes: number;
}

interface Waiting {
  readonly record: EventRecord;
  readonly bytes: number;
  readonly arrivedAtMs: number;
}

interface Queue<Owner> {
  readonly key: string;
  readonly owner: Owner;
  readonly overheadBytes: number;
  waiting: Waiting[];
  /** Index of the first record not taken yet; the array is shifted now and then, not for every batch. */
  head: number;
  bytes: number;
  held: boolean;
}

/** Below this many taken records an array is not worth shifting. */
const COMPACT_FROM_RECORDS = 1_024;

/**
 * Buffers records by partition and cuts batches that may mix partitions. It has no clock and invokes nothing: `dueAtMs`
 * says when a batch closes, `take` cuts it. A held partition keeps its records but gives none.
 */
export class Batcher<Owner> {
  readonly #limits: BatchLimits;
  /** In order of service: a partition that gave records goes to the end, so that a busy one does not starve the rest. */
  readonly #queues = new Map<string, Queue<Owner>>();

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** Starts to buffer a partition, forgetting what an earlier owner left. */
  open(key: string, owner: Owner): void {
    this.#queues.set(key, {
      key,
      owner,
      overheadBytes: partitionBytes(key),
      waiting: [],
      head: 0,
      bytes: 0,
      held: false,
    });
  }

  /** Forgets a partition and the records buffered for it. */
  close(key: string): void {
    this.#queues.delete(key);
  }

  add(key: string, records: Iterable<EventRecord>, arrivedAtMs: number): void {
    const queue = this.#queue(key);
    for (const record of records) {
      const bytes = recordBytes(record);
      queue.waiting.push({ record, bytes, arrivedAtMs });
      queue.bytes += bytes;
    }
  }

  hold(key: string): void {
    const queue = this.#queues.get(key);
    if (queue !== undefined) queue.held = true;
  }

  release(key: string): void {
    const queue = this.#queues.get(key);
    if (queue !== undefined) queue.held = false;
  }

  /** Records and bytes (of their JSON) that wait in a partition, held or not. */
  buffered(key: string): { readonly records: number; readonly bytes: number } {
    const queue = this.#queues.get(key);
    return queue === undefined ? { records: 0, bytes: 0 } : { records: waitingIn(queue), bytes: queue.bytes };
  }

  /**
   * When the next batch closes: in the past if it is full already, undefined if nothing waits. A partition that cannot
   * get more records for now (`isFull`) closes it too, for waiting would bring nothing.
   */
  dueAtMs(isFull: (owner: Owner) => boolean = () => false): number | undefined {
    let full = false;
    let records = 0;
    let bytes = this.#limits.envelopeBytes;
    let firstArrivedAtMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) {
      const first = queue.waiting[queue.head];
      if (queue.held || first === undefined) continue;
      full ||= isFull(queue.owner);
      records += waitingIn(queue);
      bytes += queue.overheadBytes + queue.bytes;
      firstArrivedAtMs = Math.min(firstArrivedAtMs, first.arrivedAtMs);
    }
    if (records === 0) return undefined;
    full ||= records >= this.#limits.records || bytes >= this.#limits.payloadBytes;
    if (full) return firstArrivedAtMs;
    return firstArrivedAtMs + this.#limits.windowMs;
  }

  /**
   * Cuts a batch within the limits and takes its records out of the buffer. A record that is too large for any payload
   * comes alone, in a batch whose `payloadBytes` is above the limit.
   */
  take(): Batch<Owner> | undefined {
    const slices: BatchSlice<Owner>[] = [];
    let records = 0;
    let bytes = this.#limits.envelopeBytes;
    for (const queue of [...this.#queues.values()]) {
      if (queue.held || waitingIn(queue) === 0) continue;
      const slice: EventRecord[] = [];
      let sliceBytes = queue.overheadBytes;
      let full = false;
      while (queue.head < queue.waiting.length) {
        const next = queue.waiting[queue.head] as Waiting;
        const fits = bytes + sliceBytes + next.bytes <= this.#limits.payloadBytes;
        full = records === this.#limits.records || (!fits && records > 0);
        if (full) break;
        slice.push(next.record);
        records += 1;
        sliceBytes += next.bytes;
        queue.bytes -= next.bytes;
        queue.head += 1;
      }
      if (slice.length > 0) {
        slices.push({ key: queue.key, owner: queue.owner, records: slice });
        bytes += sliceBytes;
        compact(queue);
        this.#queues.delete(queue.key);
        this.#queues.set(queue.key, queue);
      }
      if (full || bytes > this.#limits.payloadBytes) break;
    }
    return slices.length === 0 ? undefined : { slices, payloadBytes: bytes };
  }

  #queue(key: string): Queue<Owner> {
    const queue = this.#queues.get(key);
    if (queue === undefined) throw new Error(`partition ${key} is not open`);
    return queue;
  }
}

function waitingIn(queue: Queue<unknown>): number {
  return queue.waiting.length - queue.head;
}

function compact(queue: Queue<unknown>): void {
  if (waitingIn(queue) > 0 && queue.head < COMPACT_FROM_RECORDS) return;
  queue.waiting = queue.waiting.slice(queue.head);
  queue.head = 0;
}
