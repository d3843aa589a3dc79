import type { Fetched, FetchPosition } from "../../../shared/kafka/direct.ts";
import { keyOf } from "../../../shared/kafka/direct.ts";
import type { DirectRecord, RecordBatch } from "../../../shared/kafka/record-set.ts";
import type { Direction } from "./cursor.ts";

/** Where records come from: DirectKafka. */
export interface RecordSource {
  fetch(positions: readonly FetchPosition[], bytes: number): Promise<ReadonlyMap<string, Fetched>>;
}

/** What there is of a partition, and where to begin: forward, with this offset; backward, before it. */
export interface Range {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  readonly from: number;
}

export interface PartitionRecord {
  readonly partition: number;
  readonly record: DirectRecord;
}

/** What one fetch asks for of a partition. More where that was not one batch, and where much is looked through. */
const fetchBytesMin = 128 * 1_024;
const fetchBytesStep = 4;
const fetchBytesUsual = 1_024 * 1_024;
/** More than a topic here takes as one message, and what a request is limited to. */
const fetchBytesMax = 32 * 1_024 * 1_024;

/** How far back one step looks in offsets, at most: a compacted topic has few records in many of them. */
const stepMax = 2 ** 40;
/** Of one partition, what is kept of the batches that such a step brings, in bytes as they were sent. */
const stepBytesMax = 8 * 1_024 * 1_024;

/**
 * Reads partitions of a topic side by side, forward or backward: in the order of the records' times across partitions,
 * and in that of the offsets within each. Batches are decoded when their records are asked for.
 */
export class TopicReader {
  readonly #source: RecordSource;
  readonly #topic: string;
  readonly #streams: readonly PartitionStream[];
  readonly #isBefore: (a: PartitionRecord, b: PartitionRecord) => boolean;

  /** @param expected how many records are wanted, roughly */
  constructor(source: RecordSource, topic: string, direction: Direction, ranges: readonly Range[], expected: number) {
    this.#source = source;
    this.#topic = topic;
    this.#streams = ranges.map((range) =>
      direction === "forward" ? new ForwardStream(range) : new BackwardStream(range, expected),
    );
    this.#isBefore = direction === "forward" ? isEarlier : (a, b) => isEarlier(b, a);
  }

  /** undefined: there are no more. */
  async next(): Promise<PartitionRecord | undefined> {
    await this.#fill();
    let first: PartitionRecord | undefined;
    let stream: PartitionStream | undefined;
    for (const one of this.#streams) {
      const head = one.head();
      if (head !== undefined && (first === undefined || this.#isBefore(head, first))) {
        first = head;
        stream = one;
      }
    }
    stream?.take();
    return first;
  }

  /** Where to go on, of the partitions that have more as far as is known. */
  positions(): Map<number, number> {
    return new Map(
      this.#streams.filter((stream) => stream.hasMore()).map(({ partition, position }) => [partition, position]),
    );
  }

  /** Until each partition has shown its next record, or that it has none: only then is known which is the first. */
  async #fill(): Promise<void> {
    for (;;) {
      for (const stream of this.#streams) await stream.decode();
      const empty = this.#streams.filter((stream) => stream.head() === undefined && !stream.isDone());
      if (empty.length === 0) return;
      const positions = empty.map((stream) => ({
        topic: this.#topic,
        partition: stream.partition,
        offset: stream.fetchFrom,
      }));
      const fetched = await this.#source.fetch(positions, Math.max(...empty.map(({ fetchBytes }) => fetchBytes)));
      for (const stream of empty) {
        const answer = fetched.get(keyOf({ topic: this.#topic, partition: stream.partition }));
        // A partition without a leader has nobody to read from.
        if (answer === undefined) stream.giveUp();
        else stream.receive(answer, empty.length === 1);
      }
    }
  }
}

function isEarlier(a: PartitionRecord, b: PartitionRecord): boolean {
  const order =
    a.record.timestamp - b.record.timestamp || a.partition - b.partition || a.record.offset - b.record.offset;
  return order < 0;
}

abstract class PartitionStream {
  readonly partition: number;
  /** What was handed out ends here. */
  position: number;
  fetchBytes = fetchBytesMin;
  protected batches: RecordBatch[] = [];
  protected fetchedTo: number;
  /** Decoded, in the order of reading, from `#at` on. */
  #records: readonly DirectRecord[] = [];
  #at = 0;
  #isGivenUp = false;

  /** @param fetchFrom where it begins to be fetched */
  constructor({ partition, from }: Range, fetchFrom: number) {
    this.partition = partition;
    this.position = from;
    this.fetchedTo = fetchFrom;
  }

  /** The offset to fetch next. */
  get fetchFrom(): number {
    return this.fetchedTo;
  }

  /** @param isAlone no other partition can have had what this one was to get */
  receive({ batches, end, isOutOfRange }: Fetched, isAlone: boolean): void {
    // Expired while it was read, or made anew: the next page begins with what is there then.
    if (isOutOfRange || end <= this.fetchedTo) {
      this.giveUp();
      return;
    }
    const next = batches.filter(({ nextOffset }) => nextOffset > this.fetchedTo);
    this.fetchedTo = next.at(-1)?.nextOffset ?? this.fetchedTo;
    this.keep(next);
    this.askForMore(next.length > 0, isAlone);
  }

  /** What has come behind what was here. */
  protected abstract keep(next: readonly RecordBatch[]): void;
  protected abstract nextBatch(): RecordBatch | undefined;
  /** Its records in the order of reading, without those that are not wanted. */
  protected abstract recordsOf(batch: RecordBatch): Promise<readonly DirectRecord[]>;
  protected abstract positionAt(record: DirectRecord): number;
  protected abstract isAtEnd(): boolean;

  /** All that was fetched has been handed out. */
  protected settle(): void {
    // Forward, the next fetch follows by itself.
  }

  head(): PartitionRecord | undefined {
    const record = this.#records[this.#at];
    return record && { partition: this.partition, record };
  }

  take(): void {
    const record = this.#records[this.#at++];
    if (record !== undefined) this.position = this.positionAt(record);
  }

  async decode(): Promise<void> {
    while (this.head() === undefined) {
      const batch = this.nextBatch();
      if (batch === undefined) {
        this.settle();
        return;
      }
      this.#records = await this.recordsOf(batch);
      this.#at = 0;
    }
  }

  hasMore(): boolean {
    return this.head() !== undefined || this.batches.length > 0 || !this.isAtEnd();
  }

  isDone(): boolean {
    return this.#isGivenUp || !this.hasMore();
  }

  /** For this page: where it was is where the next one tries again. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** Next time; where not even one batch came, up to what a request can bring. */
  protected askForMore(hasCome: boolean, isAlone: boolean): void {
    if (!hasCome && isAlone && this.fetchBytes >= fetchBytesMax) this.giveUp();
    const most = hasCome ? fetchBytesUsual : fetchBytesMax;
    this.fetchBytes = Math.max(this.fetchBytes, Math.min(most, this.fetchBytes * fetchBytesStep));
  }
}

class ForwardStream extends PartitionStream {
  readonly #end: number;

  constructor(range: Range) {
    super(range, range.from);
    this.#end = range.end;
  }

  protected keep(next: readonly RecordBatch[]): void {
    this.batches = next.filter(({ firstOffset }) => firstOffset < this.#end);
  }

  protected nextBatch(): RecordBatch | undefined {
    return this.batches.shift();
  }

  protected recordsOf(batch: RecordBatch): Promise<readonly DirectRecord[]> {
    return batch.records(this.position, this.#end);
  }

  protected positionAt({ offset }: DirectRecord): number {
    return offset + 1;
  }

  protected isAtEnd(): boolean {
    return this.fetchedTo >= this.#end;
  }
}

/** Kafka is read forward: so this goes back a step, reads up to where it was, and hands that out from its end. */
class BackwardStream extends PartitionStream {
  readonly #start: number;
  #step: number;
  /** What is being read: from here, up to the position at which it was begun. */
  #lower: number;
  #upper: number;

  constructor(range: Range, expected: number) {
    const step = Math.max(1, expected);
    const lower = Math.max(range.start, range.from - step);
    super(range, lower);
    this.#start = range.start;
    this.#step = step;
    this.#upper = range.from;
    this.#lower = lower;
  }

  protected keep(next: readonly RecordBatch[]): void {
    const [first] = next;
    // The first one begins earlier: what it has in front is here already.
    if (this.batches.length === 0 && first !== undefined) {
      this.#lower = Math.max(this.#start, Math.min(this.#lower, first.firstOffset));
    }
    this.batches.push(...next.filter(({ firstOffset }) => firstOffset < this.#upper));
    this.#forgetOldest();
  }

  /** The newest are wanted first, and more of them than fit wait for another step. */
  #forgetOldest(): void {
    let bytes = 0;
    const tooMany = this.batches.findLastIndex((batch, index) => {
      bytes += batch.bytes;
      return bytes > stepBytesMax && index < this.batches.length - 1;
    });
    if (tooMany < 0) return;
    this.#lower = this.batches[tooMany]?.nextOffset ?? this.#lower;
    this.batches = this.batches.slice(tooMany + 1);
  }

  protected nextBatch(): RecordBatch | undefined {
    // What is newer has to come first.
    return this.fetchedTo < this.#upper ? undefined : this.batches.pop();
  }

  protected async recordsOf(batch: RecordBatch): Promise<readonly DirectRecord[]> {
    return (await batch.records(this.#lower, this.position)).toReversed();
  }

  protected positionAt({ offset }: DirectRecord): number {
    return offset;
  }

  protected isAtEnd(): boolean {
    return this.position <= this.#start;
  }

  protected override settle(): void {
    if (this.fetchedTo < this.#upper || this.position <= this.#start) return;
    this.position = this.#lower;
    this.#step = Math.min(stepMax, this.#step * 2);
    this.#upper = this.#lower;
    this.#lower = Math.max(this.#start, this.#upper - this.#step);
    this.fetchedTo = this.#lower;
  }
}
