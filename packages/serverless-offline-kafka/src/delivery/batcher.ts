import type { SourceRecord } from "./event.ts";
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

/** Records of one partition, in its order. `Owner` says on whose behalf they were fetched. */
export interface Slice<Owner, Item> {
  readonly key: string;
  readonly owner: Owner;
  readonly records: readonly Item[];
}

/** What arrived together. */
interface Chunk {
  readonly records: readonly SourceRecord[];
  readonly weights: readonly number[];
  readonly arrivedAtMs: number;
  /** Index of the first record not taken yet. */
  head: number;
}

interface Queue<Owner> {
  readonly key: string;
  readonly owner: Owner;
  readonly overheadBytes: number;
  readonly chunks: Chunk[];
  poller: number;
  records: number;
  bytes: number;
  held: boolean;
}

/**
 * Buffers records by partition and cuts batches that may mix partitions. It has no clock and invokes nothing: `dueAtMs`
 * says when a batch closes, `take` cuts it. A held partition keeps its records but gives none. Each partition belongs to
 * an event poller, by number; a batch has partitions of one poller only.
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
    const overheadBytes = partitionBytes(key);
    const empty = { chunks: [], poller: 0, records: 0, bytes: 0, held: false };
    this.#queues.set(key, { key, owner, overheadBytes, ...empty });
  }

  /** Forgets a partition and the records buffered for it. */
  close(key: string): void {
    this.#queues.delete(key);
  }

  assign(key: string, poller: number): void {
    const queue = this.#queues.get(key);
    if (queue !== undefined) queue.poller = poller;
  }

  /** @param alone offsets of records that come in a batch of their own */
  add(key: string, records: readonly SourceRecord[], arrivedAtMs: number, alone?: ReadonlyMap<number, unknown>): void {
    const queue = this.#queue(key);
    if (records.length === 0) return;
    const weights = records.map((record) => recordBytes(key, record));
    if (alone !== undefined && alone.size > 0) {
      records.forEach(({ offset }, i) => {
        if (alone.has(offset)) weights[i] = this.#limits.payloadBytes;
      });
    }
    queue.chunks.push({ records, weights, arrivedAtMs, head: 0 });
    queue.records += records.length;
    for (const weight of weights) queue.bytes += weight;
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
    const { records = 0, bytes = 0 } = this.#queues.get(key) ?? {};
    return { records, bytes };
  }

  /** The offset of the first record that waits in a partition, held or not. */
  firstOffset(key: string): number | undefined {
    const chunk = this.#queues.get(key)?.chunks[0];
    return chunk?.records[chunk.head]?.offset;
  }

  /**
   * When a poller's next batch closes: in the past if it is full already, undefined if nothing waits. A partition that
   * cannot get more records for now (`isFull`) closes it too, for waiting would bring nothing.
   */
  dueAtMs(poller: number, isFull: (owner: Owner) => boolean = () => false): number | undefined {
    let full = false;
    let records = 0;
    let bytes = this.#limits.envelopeBytes;
    let firstArrivedAtMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#queues.values()) {
      const first = queue.chunks[0];
      if (queue.poller !== poller || queue.held || first === undefined) continue;
      full ||= isFull(queue.owner);
      records += queue.records;
      bytes += queue.overheadBytes + queue.bytes;
      firstArrivedAtMs = Math.min(firstArrivedAtMs, first.arrivedAtMs);
    }
    if (records === 0) return undefined;
    full ||= records >= this.#limits.records || bytes >= this.#limits.payloadBytes;
    return full ? firstArrivedAtMs : firstArrivedAtMs + this.#limits.windowMs;
  }

  /**
   * Cuts a batch of a poller's partitions within the limits and takes its records out of the buffer. A record that is
   * too large for any payload comes alone.
   */
  take(poller: number): ReadonlyArray<Slice<Owner, SourceRecord>> | undefined {
    const slices: Slice<Owner, SourceRecord>[] = [];
    const left = { records: this.#limits.records, bytes: this.#limits.payloadBytes - this.#limits.envelopeBytes };
    for (const queue of [...this.#queues.values()]) {
      if (queue.poller !== poller || queue.held || queue.records === 0) continue;
      left.bytes -= queue.overheadBytes;
      const records = takeFrom(queue, left, slices.length === 0);
      if (records.length > 0) {
        slices.push({ key: queue.key, owner: queue.owner, records });
        this.#queues.delete(queue.key);
        this.#queues.set(queue.key, queue);
      }
      if (queue.records > 0 || left.bytes < 0) break;
    }
    return slices.length === 0 ? undefined : slices;
  }

  #queue(key: string): Queue<Owner> {
    const queue = this.#queues.get(key);
    if (queue === undefined) throw new Error(`partition ${key} is not open`);
    return queue;
  }
}

/** Takes records as long as they fit. The first record of a batch (`atLeastOne`) is taken whether it fits or not. */
function takeFrom(
  queue: Queue<unknown>,
  left: { records: number; bytes: number },
  atLeastOne: boolean,
): readonly SourceRecord[] {
  let taken: readonly SourceRecord[] = [];
  for (let chunk = queue.chunks[0]; chunk !== undefined && left.records > 0; chunk = queue.chunks[0]) {
    const from = chunk.head;
    while (chunk.head < chunk.records.length && left.records > 0) {
      const weight = chunk.weights[chunk.head] as number;
      const isFirst = atLeastOne && taken.length === 0 && chunk.head === from;
      if (weight > left.bytes && !isFirst) break;
      left.bytes -= weight;
      left.records -= 1;
      queue.bytes -= weight;
      chunk.head += 1;
    }
    const part =
      from === 0 && chunk.head === chunk.records.length ? chunk.records : chunk.records.slice(from, chunk.head);
    taken = taken.length === 0 ? part : taken.concat(part);
    queue.records -= part.length;
    if (chunk.head < chunk.records.length) break;
    queue.chunks.shift();
  }
  return taken;
}
