import { backoffMs, COMMIT_BACKOFF, INVOKE_BACKOFF } from "./backoff.ts";
import type { Batch, BatchSlice } from "./batcher.ts";
import { Batcher } from "./batcher.ts";
import type { MappingErrorCode } from "./errors.ts";
import type { EventEnvelope, MappingEvent, SourceRecord } from "./event.ts";
import { buildEvent, envelopeBytes, partitionKey, toEventRecord } from "./event.ts";
import { interpretResponse } from "./response.ts";

/** An invocation payload: 6 MB [gettingstarted-limits; with-kafka-esm, "a batch also closes at 6 MB"]. */
const PAYLOAD_BYTES_MAX = 6_291_456;
/** What one mapping buffers in all, in bytes of JSON: about ten full payloads. Each partition has an equal share. */
const BUFFER_BYTES_MAX = 64 * 1_024 * 1_024;
/** A share is never so small that every fetch has to stop. */
const BUFFER_BYTES_PER_PARTITION_MIN = 256 * 1_024;
/** Small records cost more memory than their bytes say. Twice the largest batch keeps one ready while one is invoked. */
const BUFFER_RECORDS_PER_PARTITION_MAX = 20_000;
/** With Kafka gone there is no end to commit attempts; leaving them is safe, the records come again. */
const COMMIT_ATTEMPTS_WHILE_STOPPING = 3;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface PartitionOffset extends TopicPartition {
  /** The next offset to read. */
  readonly offset: number;
}

/** A member of a consumer group: the only door to Kafka. */
export interface KafkaSource {
  /** Returns at once and keeps trying to reach Kafka until `stop`. */
  start(listener: SourceListener): void;
  /** Leaves the group. */
  stop(): Promise<void>;
  /** Resolves when the group has stored the offsets; rejects when it has not, and does not try again by itself. */
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
  /** Reads on from here, in place of where the source was. */
  seek(position: PartitionOffset): void;
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
}

export interface SourceListener {
  /** The group is about to be divided anew. Called again and again until it is. */
  onRebalancing(): void;
  /**
   * This member now has these partitions and no others. A member that stayed in the group kept what it had; a new
   * member (`rejoined` false) must start from what is committed, for others may have read on meanwhile.
   */
  onAssigned(partitions: readonly TopicPartition[], rejoined: boolean): void;
  onRecords(partition: TopicPartition, records: readonly SourceRecord[]): void;
  /** Nothing is being invoked or committed. */
  isIdle(): boolean;
}

export type InvokeOutcome =
  | { readonly kind: "returned"; readonly response: unknown }
  | { readonly kind: "failed"; readonly code: MappingErrorCode; readonly reason: string };

/** Runs the function; a failure is an outcome, never a rejection. */
export interface Invoker {
  invoke(event: MappingEvent): Promise<InvokeOutcome>;
}

/** Time and chance, from outside. */
export interface Clock {
  nowMs(): number;
  /** Calls back once; the result takes it back. */
  setTimer(delayMs: number, callback: () => void): () => void;
  random(): number;
}

export interface PollerLog {
  notice(line: string): void;
  warning(line: string): void;
  error(line: string): void;
}

export interface PollerOptions {
  /** Begins every line in the log. */
  readonly name: string;
  readonly batchSize: number;
  readonly windowMs: number;
  readonly reportBatchItemFailures: boolean;
  readonly envelope: EventEnvelope;
  readonly source: KafkaSource;
  readonly invoker: Invoker;
  readonly clock: Clock;
  readonly log: PollerLog;
}

/** The right to deliver a partition, from one assignment to its end. Work done for a lost lease has no effect. */
interface Lease extends TopicPartition {
  readonly key: string;
  lost: boolean;
  paused: boolean;
  /** The offset after the last record received, once there is one. */
  nextOffset: number | undefined;
}

/** A batch on its way: invoked now, or waiting to be invoked again. Its partitions give no other records meanwhile. */
interface Delivery {
  slices: ReadonlyArray<BatchSlice<Lease>>;
  readonly payloadBytes: number;
  readonly failures: number;
  retryAtMs: number;
}

/**
 * Delivers a mapping's records to its function, at least once and in order within a partition. One invocation at a
 * time; a failed batch waits for its retry and holds back its own partitions only.
 */
export class Poller implements SourceListener {
  readonly #options: PollerOptions;
  readonly #batcher: Batcher<Lease>;
  readonly #leases = new Map<string, Lease>();
  /** Failed batches. */
  readonly #waiting = new Set<Delivery>();
  #running: Promise<void> | undefined;
  #commitFailing = false;
  #holds = 0;
  #rebalancing = false;
  #stopping = false;
  #cancelTimer: () => void = () => {};

  constructor(options: PollerOptions) {
    this.#options = options;
    this.#batcher = new Batcher({
      records: options.batchSize,
      windowMs: options.windowMs,
      payloadBytes: PAYLOAD_BYTES_MAX,
      envelopeBytes: envelopeBytes(options.envelope),
    });
  }

  start(): void {
    this.#options.source.start(this);
  }

  /**
   * Invokes nothing more, waits for the running batch and its commit, leaves the group. A batch that still runs when
   * `giveUp` resolves is not committed: it will be delivered again.
   */
  async stop(giveUp: Promise<void>): Promise<void> {
    this.#stopping = true;
    this.#cancelTimer();
    await Promise.race([this.#running, giveUp]);
    for (const lease of [...this.#leases.values()]) this.#lose(lease);
    await this.#options.source.stop();
  }

  /** Waits for the running batch, then runs `change` while nothing is invoked. Failed batches are tried right after. */
  async whileQuiet(change: () => Promise<void>): Promise<void> {
    this.#holds += 1;
    try {
      await this.#running;
      await change();
    } finally {
      this.#holds -= 1;
      for (const delivery of this.#waiting) delivery.retryAtMs = this.#options.clock.nowMs();
      this.#next();
    }
  }

  isIdle(): boolean {
    // A commit that fails may be waiting for the very rebalance that waits for this.
    return this.#running === undefined || this.#commitFailing;
  }

  onRebalancing(): void {
    this.#rebalancing = true;
  }

  onAssigned(partitions: readonly TopicPartition[], rejoined: boolean): void {
    const assigned = new Map(partitions.map((one) => [partitionKey(one.topic, one.partition), one]));
    for (const lease of [...this.#leases.values()]) {
      if (!rejoined || !assigned.has(lease.key)) this.#lose(lease);
    }
    const { source } = this.#options;
    for (const [key, { topic, partition }] of assigned) {
      const lease = this.#leases.get(key) ?? this.#open(topic, partition);
      // A client that joined again starts from what is committed; the rest of what this lease has is buffered here.
      if (lease.nextOffset !== undefined) source.seek({ topic, partition, offset: lease.nextOffset });
      if (lease.paused) source.pause(lease);
      else source.resume(lease);
    }
    this.#rebalancing = false;
    this.#next();
  }

  onRecords({ topic, partition }: TopicPartition, records: readonly SourceRecord[]): void {
    const key = partitionKey(topic, partition);
    const lease = this.#leases.get(key);
    const first = records[0];
    const last = records.at(-1);
    if (lease === undefined || first === undefined || last === undefined) return;
    if (lease.nextOffset !== undefined && first.offset < lease.nextOffset) {
      // The log was cut or the topic made anew. Whatever the reason, reading again from here loses nothing.
      this.#options.log.warning(
        `${this.#options.name}: ${key} went back from offset ${lease.nextOffset} to ${first.offset}; reading again from there`,
      );
      this.#lose(lease);
      this.#open(topic, partition);
      this.#options.source.seek({ topic, partition, offset: first.offset });
      this.#options.source.resume({ topic, partition });
      this.#next();
      return;
    }
    lease.nextOffset = last.offset + 1;
    this.#batcher.add(
      key,
      records.map((record) => toEventRecord(topic, partition, record)),
      this.#options.clock.nowMs(),
    );
    this.#balance(lease);
    this.#next();
  }

  #open(topic: string, partition: number): Lease {
    const key = partitionKey(topic, partition);
    const lease: Lease = { topic, partition, key, lost: false, paused: false, nextOffset: undefined };
    this.#leases.set(key, lease);
    this.#batcher.open(key, lease);
    return lease;
  }

  #lose(lease: Lease): void {
    lease.lost = true;
    this.#leases.delete(lease.key);
    this.#batcher.close(lease.key);
    for (const delivery of this.#waiting) {
      delivery.slices = delivery.slices.filter((slice) => !slice.owner.lost);
      if (delivery.slices.length === 0) this.#waiting.delete(delivery);
    }
  }

  /** Stops fetching a partition that has its share of the buffer, and goes on when half of it is free again. */
  #balance(lease: Lease): void {
    const { records, bytes } = this.#batcher.buffered(lease.key);
    const bytesMax = Math.max(BUFFER_BYTES_PER_PARTITION_MIN, BUFFER_BYTES_MAX / this.#leases.size);
    const filled = Math.max(bytes / bytesMax, records / BUFFER_RECORDS_PER_PARTITION_MAX);
    if (!lease.paused && filled >= 1) {
      lease.paused = true;
      this.#options.source.pause(lease);
    } else if (lease.paused && filled <= 0.5) {
      lease.paused = false;
      this.#options.source.resume(lease);
    }
  }

  /** Starts the next delivery, or sets the timer for when there may be one. Called after anything has changed. */
  #next(): void {
    this.#cancelTimer();
    if (this.#running !== undefined || this.#holds > 0 || this.#rebalancing || this.#stopping) return;
    const nowMs = this.#options.clock.nowMs();
    const retry = [...this.#waiting].sort((a, b) => a.retryAtMs - b.retryAtMs)[0];
    const dueAtMs = Math.min(
      retry?.retryAtMs ?? Number.POSITIVE_INFINITY,
      this.#batcher.dueAtMs((lease) => lease.paused) ?? Number.POSITIVE_INFINITY,
    );
    if (dueAtMs > nowMs) {
      if (Number.isFinite(dueAtMs)) {
        this.#cancelTimer = this.#options.clock.setTimer(dueAtMs - nowMs, () => this.#next());
      }
      return;
    }
    const delivery = retry !== undefined && retry.retryAtMs <= nowMs ? retry : this.#cut();
    if (delivery === undefined) return;
    this.#waiting.delete(delivery);
    this.#running = this.#deliver(delivery).then(() => {
      this.#running = undefined;
      this.#next();
    });
  }

  #cut(): Delivery | undefined {
    const batch: Batch<Lease> | undefined = this.#batcher.take();
    if (batch === undefined) return undefined;
    for (const { owner } of batch.slices) {
      this.#batcher.hold(owner.key);
      this.#balance(owner);
    }
    return { ...batch, failures: 0, retryAtMs: 0 };
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { failedFrom, failure } = await this.#attempt(delivery);
    const remaining: BatchSlice<Lease>[] = [];
    const done: Done[] = [];
    for (const slice of delivery.slices) {
      const from = failedFrom.get(slice.key) ?? Number.POSITIVE_INFINITY;
      const rest = slice.records.filter((record) => record.offset >= from);
      if (rest.length > 0) remaining.push({ ...slice, records: rest });
      const lastDone = slice.records[slice.records.length - rest.length - 1];
      if (lastDone !== undefined) done.push({ lease: slice.owner, offset: lastDone.offset + 1 });
    }
    // A batch that got rid of some of its records is another batch: its attempts are counted anew.
    const failures = done.length > 0 ? 1 : delivery.failures + 1;
    const retryInMs = backoffMs(INVOKE_BACKOFF, failures, this.#options.clock.random());
    if (failure !== undefined) this.#report(remaining, failure, failures, retryInMs);

    await this.#commit(done);

    for (const { owner } of delivery.slices) {
      if (!owner.lost && !remaining.some((slice) => slice.owner === owner)) this.#batcher.release(owner.key);
    }
    const slices = remaining.filter((slice) => !slice.owner.lost);
    if (slices.length > 0) {
      const retryAtMs = this.#options.clock.nowMs() + retryInMs;
      this.#waiting.add({ slices, payloadBytes: delivery.payloadBytes, failures, retryAtMs });
    }
  }

  /** Invokes the function with a batch and says from where on each partition has failed. */
  async #attempt({ slices, payloadBytes }: Delivery): Promise<Verdict> {
    const { envelope, invoker, reportBatchItemFailures } = this.#options;
    const failed = (code: MappingErrorCode, reason: string): Verdict => ({
      failedFrom: new Map(slices.map(({ key }) => [key, Number.NEGATIVE_INFINITY])),
      failure: { code, reason },
    });
    if (payloadBytes > PAYLOAD_BYTES_MAX) {
      return failed(
        "SOK_RECORD_TOO_LARGE",
        `a payload of ${payloadBytes} bytes cannot be invoked, ${PAYLOAD_BYTES_MAX} is the most; the partition waits here`,
      );
    }
    const outcome = await invoker.invoke(buildEvent(envelope, slices));
    if (outcome.kind === "failed") return failed(outcome.code, outcome.reason);
    if (!reportBatchItemFailures) return { failedFrom: new Map() };
    const offsets = new Map(slices.map(({ key, records }) => [key, records.map((record) => record.offset)]));
    const said = interpretResponse(outcome.response, offsets);
    if (said.kind === "malformed") return failed("SOK_RESPONSE_MALFORMED", said.reason);
    if (said.kind === "succeeded") return { failedFrom: new Map() };
    return {
      failedFrom: said.lowestFailed,
      failure: { code: "SOK_FUNCTION_FAILED", reason: "reported in batchItemFailures" },
    };
  }

  /** Commits until the group has it. What is not this member's any more is not this member's to commit. */
  async #commit(done: readonly Done[]): Promise<void> {
    const { clock, log, name, source } = this.#options;
    for (let failures = 0; ; ) {
      const offsets = done
        .filter(({ lease }) => !lease.lost)
        .map(({ lease: { topic, partition }, offset }) => ({ topic, partition, offset }));
      if (offsets.length === 0) break;
      try {
        await source.commit(offsets);
        break;
      } catch (error) {
        failures += 1;
        this.#commitFailing = true;
        const what = offsets.map((one) => `${partitionKey(one.topic, one.partition)} ${one.offset}`).join(", ");
        const line = `${name}: SOK_COMMIT_FAILED: ${what}: ${messageOf(error)}`;
        if (this.#stopping && failures >= COMMIT_ATTEMPTS_WHILE_STOPPING) {
          log.error(`${line}; these records will be delivered again`);
          break;
        }
        if (failures === 1) log.warning(`${line}; trying until it succeeds`);
        const waitMs = backoffMs(COMMIT_BACKOFF, failures, clock.random());
        await new Promise<void>((resolve) => clock.setTimer(waitMs, resolve));
      }
    }
    this.#commitFailing = false;
  }

  #report(slices: ReadonlyArray<BatchSlice<Lease>>, failure: Failure, attempt: number, retryInMs: number): void {
    const where = slices
      .map(({ key, records }) => `${key} offsets ${records[0]?.offset}-${records.at(-1)?.offset}`)
      .join(", ");
    this.#options.log.error(
      `${this.#options.name}: ${failure.code}: ${where}: attempt ${attempt} failed: ${oneLine(failure.reason)}; again in ${(retryInMs / 1_000).toFixed(1)} s`,
    );
  }
}

interface Failure {
  readonly code: MappingErrorCode;
  readonly reason: string;
}

interface Verdict {
  /** By partition key. Partitions that are not here have succeeded. */
  readonly failedFrom: ReadonlyMap<string, number>;
  readonly failure?: Failure;
}

interface Done {
  readonly lease: Lease;
  /** The next offset to read. */
  readonly offset: number;
}

const REASON_CHARACTERS_MAX = 500;

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " | ").slice(0, REASON_CHARACTERS_MAX);
}

function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
