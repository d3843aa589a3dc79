// A topic, its group, a function and a destination in memory, which check what a mapping does to them. For tests.
import type { FailedBatch, OnFailureDestination } from "../destinations/destination.ts";
import type {
  Clock,
  InvokeOutcome,
  Invoker,
  KafkaSource,
  PartitionOffset,
  SourceListener,
  TopicPartition,
} from "./contract.ts";
import type { EventRecord, MappingEvent, SourceRecord } from "./event.ts";
import { packRecord, recordValue } from "./event.ts";
import type { TakeIn } from "./intake.ts";
import { takeIn } from "./intake.ts";
import type { DeliveryConfig } from "./mapping.ts";
import { Mapping } from "./mapping.ts";

export const TOPIC = "t";
export const OK: InvokeOutcome = { kind: "returned", response: null };
export const FAILED: InvokeOutcome = { kind: "failed", code: "SOK_FUNCTION_FAILED", reason: "boom" };
export const THROTTLED: InvokeOutcome = { kind: "throttled" };
export const NEVER = new Promise<void>(() => {});
/** A value that the filter of these tests lets not through. */
export const UNWANTED = Buffer.from("unwanted");

const isWanted = (value: Buffer | null) => value === null || !value.equals(UNWANTED);

/** Lets every promise that can settle do so. */
export const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

export class FakeClock implements Clock {
  now = 1_000_000;
  readonly #timers = new Map<object, { atMs: number; callback: () => void }>();

  nowMs(): number {
    return this.now;
  }

  random(): number {
    return 0.5;
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const id = {};
    this.#timers.set(id, { atMs: this.now + delayMs, callback });
    return () => this.#timers.delete(id);
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    for (;;) {
      await settle();
      const next = [...this.#timers].sort(([, a], [, b]) => a.atMs - b.atMs)[0];
      if (next === undefined || next[1].atMs > until) break;
      this.#timers.delete(next[0]);
      this.now = Math.max(this.now, next[1].atMs);
      next[1].callback();
    }
    this.now = until;
    for (let i = 0; i < 4; i += 1) await settle();
  }
}

export interface WorldOptions extends Partial<Omit<DeliveryConfig, "envelope">> {
  readonly destination?: boolean;
  readonly takeIn?: TakeIn;
  /** Of the function. */
  readonly invocationsMax?: number;
}

interface Invocation {
  readonly event: MappingEvent;
  resolve(outcome: InvokeOutcome): void;
}

export class World implements KafkaSource, Invoker {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly invoked: MappingEvent[] = [];
  readonly commits: PartitionOffset[] = [];
  readonly disposed: FailedBatch[] = [];
  readonly mapping: Mapping;
  readonly invocationsMax: number;
  commitsFail = false;
  destinationFails = false;
  fenced = false;
  /** What the function does before it returns its promise. */
  onInvoke: () => void = () => {};
  stopped = false;
  /** By partition: the log, the next offset to fetch, the committed offset, and which records are done. */
  readonly logs = new Map<number, SourceRecord[]>();
  readonly fetched = new Map<number, number>();
  readonly committed = new Map<number, number>();
  readonly done = new Map<number, Set<number>>();
  readonly assigned = new Set<number>();
  readonly leaving = new Set<number>();
  readonly paused = new Set<number>();
  /** Set when partitions may be delivered again without a failure: after they were lost. */
  repeats = false;
  #membership = 0;
  #listener: SourceListener | undefined;
  readonly #running: Invocation[] = [];

  constructor(options: WorldOptions = {}) {
    const { destination, invocationsMax = Number.POSITIVE_INFINITY, takeIn: takeInOf, ...config } = options;
    this.invocationsMax = invocationsMax;
    const onFailure: OnFailureDestination = {
      name: "arn:aws:sqs:r:1:dead",
      deliver: (batch) => this.#dispose(batch),
      close: async () => {},
    };
    this.mapping = new Mapping({
      name: "fn",
      config: {
        batchSize: 10,
        windowMs: 0,
        reportBatchItemFailures: true,
        scaling: { kind: "onDemand" },
        retryAttemptsMax: Number.POSITIVE_INFINITY,
        recordAgeMsMax: Number.POSITIVE_INFINITY,
        bisectBatchOnFunctionError: false,
        functionArn: "arn:aws:lambda:r:1:function:fn",
        envelope: { eventSource: "SelfManagedKafka", bootstrapServers: "b:1" },
        ...config,
      },
      source: this,
      invoker: this,
      takeIn: takeInOf ?? takeIn(isWanted),
      destination: destination ? onFailure : undefined,
      clock: this.clock,
      log: {
        notice: (line) => this.lines.push(line),
        warning: (line) => this.lines.push(line),
        error: (line) => this.lines.push(line),
      },
    });
    this.mapping.start();
  }

  /** The events that are being handled, oldest first. */
  get invocations(): readonly MappingEvent[] {
    return this.#running.map(({ event }) => event);
  }

  get invocation(): MappingEvent | undefined {
    return this.#running[0]?.event;
  }

  start(listener: SourceListener): void {
    this.#listener = listener;
  }

  async stop(): Promise<void> {
    this.stopped = true;
  }

  isFenced(): boolean {
    return this.fenced;
  }

  async offsets(): ReturnType<KafkaSource["offsets"]> {
    return [...this.logs].map(([partition, log]) => ({
      topic: TOPIC,
      partition,
      end: log.length,
      committed: this.committed.get(partition),
    }));
  }

  async offsetsAt(timestampMs: number): Promise<readonly PartitionOffset[]> {
    return [...this.logs].map(([partition, log]) => {
      const found = log.findIndex(({ timestamp }) => timestamp >= timestampMs);
      return { topic: TOPIC, partition, offset: found < 0 ? log.length : found };
    });
  }

  async commit(offsets: readonly PartitionOffset[]): Promise<void> {
    for (const { partition, offset } of offsets) {
      if (!this.#isMine(partition)) this.#broken(`committed ${partition}, which is another member's`);
      const undone = this.firstUndone(partition);
      if (offset > undone) this.#broken(`committed ${partition} up to ${offset}, but ${undone} is not done`);
      if (offset < (this.committed.get(partition) ?? 0) && !this.repeats) this.#broken(`${partition} went back`);
    }
    await settle();
    if (this.commitsFail) throw new Error("no coordinator");
    for (const one of offsets) this.committed.set(one.partition, one.offset);
    this.commits.push(...offsets);
  }

  seek({ partition, offset }: PartitionOffset): void {
    this.fetched.set(partition, offset);
  }

  pause({ partition }: TopicPartition): void {
    this.paused.add(partition);
  }

  resume({ partition }: TopicPartition): void {
    this.paused.delete(partition);
  }

  invoke(event: MappingEvent): Promise<InvokeOutcome> {
    if (this.fenced) this.#broken("invoked although the group may have given the partitions away");
    for (const [key, records] of Object.entries(event.records)) {
      if (this.invocations.some((other) => other.records[key] !== undefined)) {
        this.#broken(`${key} is in two invocations at once`);
      }
      this.#checkRecords(records);
    }
    this.invoked.push(event);
    this.onInvoke();
    return new Promise((resolve) => {
      this.#running.push({ event, resolve });
    });
  }

  /** The first record of a partition that the function or the destination does not have, of those that are wanted. */
  firstUndone(partition: number): number {
    const log = this.logs.get(partition) ?? [];
    const undone = log.findIndex(
      (record) => !this.done.get(partition)?.has(record.offset) && isWanted(recordValue(record)),
    );
    return undone < 0 ? log.length : undone;
  }

  /** Ends the oldest invocation. A partial outcome names, by partition, the first record that is not done. */
  async finish(
    outcome: InvokeOutcome | { readonly failedFrom: ReadonlyMap<string, number> },
    invocation = 0,
  ): Promise<void> {
    const [current] = this.#running.splice(invocation, 1);
    if (current === undefined) return;
    const failedFrom = "failedFrom" in outcome ? outcome.failedFrom : undefined;
    for (const [key, records] of Object.entries(current.event.records)) {
      this.#markDone(
        records.filter(({ offset }) =>
          failedFrom === undefined ? outcome === OK : offset < (failedFrom.get(key) ?? Number.POSITIVE_INFINITY),
        ),
      );
    }
    const batchItemFailures = [...(failedFrom ?? [])].map(([partition, offset]) => ({
      itemIdentifier: { partition, offset },
    }));
    current.resolve(
      failedFrom === undefined ? (outcome as InvokeOutcome) : { kind: "returned", response: { batchItemFailures } },
    );
    for (let i = 0; i < 4; i += 1) await settle();
  }

  produce(partition: number, count: number, value: Buffer = Buffer.from("v"), timestamp = this.clock.now): void {
    const log = this.logs.get(partition) ?? [];
    this.logs.set(partition, log);
    for (let i = 0; i < count; i += 1) {
      log.push(packRecord({ offset: log.length, timestamp, key: null, value }));
    }
  }

  /** What a fetch brings: up to `count` records of a partition, unless it is paused or not this member's. */
  fetch(partition: number, count: number): void {
    if (!this.assigned.has(partition) || this.paused.has(partition)) return;
    const from = this.fetched.get(partition) ?? 0;
    const records = (this.logs.get(partition) ?? []).slice(from, from + count);
    if (records.length === 0) return;
    this.fetched.set(partition, from + records.length);
    this.#listener?.onRecords({ topic: TOPIC, partition }, records, from + records.length);
  }

  /** The group gives this member more partitions. */
  assign(...partitions: readonly number[]): void {
    const added = partitions.filter((one) => !this.#isMine(one));
    for (const partition of added) {
      this.assigned.add(partition);
      this.paused.delete(partition);
      this.fetched.set(partition, this.committed.get(partition) ?? 0);
    }
    this.#listener?.onAssigned(added.map((partition) => ({ topic: TOPIC, partition })));
  }

  /** The group wants partitions back. The result says whether they were let go of. */
  revoke(...partitions: readonly number[]): { released: boolean } {
    const mine = partitions.filter((one) => this.assigned.delete(one));
    for (const one of mine) this.leaving.add(one);
    const result = { released: false };
    const membership = this.#membership;
    void this.#listener?.onRevoked(mine.map((partition) => ({ topic: TOPIC, partition }))).then(() => {
      // Else they were lost meanwhile.
      if (membership !== this.#membership) return;
      for (const one of mine) {
        this.leaving.delete(one);
        // What was done for a lease that was lost is not committed.
        if (!this.repeats && (this.committed.get(one) ?? 0) < this.#committable(one))
          this.#broken(`let go of ${one} without its commit`);
        if (this.invocations.some(({ records }) => records[`${TOPIC}-${one}`] !== undefined)) {
          this.#broken(`let go of ${one} while it was invoked`);
        }
      }
      result.released = true;
    });
    return result;
  }

  /** The group has forgotten this member. */
  lose(): void {
    this.repeats = true;
    this.#membership += 1;
    const all = [...this.assigned, ...this.leaving];
    this.assigned.clear();
    this.leaving.clear();
    this.#listener?.onLost(all.map((partition) => ({ topic: TOPIC, partition })));
  }

  unfence(): void {
    this.fenced = false;
    this.#listener?.onUnfenced();
  }

  broken(): string[] {
    return this.lines.filter((line) => line.startsWith("BROKEN"));
  }

  #broken(line: string): void {
    this.lines.push(`BROKEN: ${line}`);
  }

  #isMine(partition: number): boolean {
    return this.assigned.has(partition) || this.leaving.has(partition);
  }

  /** What is done at the start of a partition and would be committed if it were wanted; filtered records come along. */
  #committable(partition: number): number {
    const done = this.done.get(partition) ?? new Set();
    const last = Math.max(-1, ...done);
    return last < this.firstUndone(partition) ? last + 1 : 0;
  }

  #checkRecords(records: readonly EventRecord[]): void {
    const { partition, offset } = records[0] as EventRecord;
    const undone = this.firstUndone(partition);
    if (!this.#isMine(partition)) this.#broken(`${partition} is another member's`);
    if (offset > undone) this.#broken(`${partition} skipped from ${undone} to ${offset}`);
    if (offset < undone && !this.repeats) this.#broken(`${partition} repeated ${offset}`);
    records.forEach((record, i) => {
      const before = records[i - 1];
      if (before !== undefined && before.offset >= record.offset) this.#broken(`${partition} out of order`);
    });
  }

  async #dispose(batch: FailedBatch): Promise<void> {
    await settle();
    if (this.destinationFails) throw new Error("destination is down");
    this.disposed.push(batch);
    for (const records of Object.values(batch.event.records)) this.#markDone(records);
  }

  #markDone(records: readonly EventRecord[]): void {
    for (const { partition, offset } of records) {
      this.done.set(partition, (this.done.get(partition) ?? new Set()).add(offset));
    }
  }
}

/** The offsets of an event's records, by partition. */
export function shape(event: MappingEvent | undefined): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(event?.records ?? {}).map(([key, list]) => [key, list.map(({ offset }) => offset)]),
  );
}

/** A world that has these partitions, with so many records in each, all fetched. */
export async function worldWith(counts: Readonly<Record<number, number>>, options?: WorldOptions): Promise<World> {
  const world = new World(options);
  world.assign(...Object.keys(counts).map(Number));
  for (const [partition, count] of Object.entries(counts)) {
    world.produce(Number(partition), count);
    world.fetch(Number(partition), count);
  }
  await settle();
  return world;
}
