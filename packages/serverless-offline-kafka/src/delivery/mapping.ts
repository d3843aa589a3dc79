import { randomUUID } from "node:crypto";
import type { MappingConfig } from "../config/types.ts";
import type { FailedBatch, OnFailureDestination } from "../destinations/destination.ts";
import type { MappingErrorCode } from "../errors.ts";
import type { RecordSchemaError } from "../registry/schema.ts";
import { backoffMs, DESTINATION_BACKOFF, INVOKE_BACKOFF } from "./backoff.ts";
import { Batcher } from "./batcher.ts";
import { Committer } from "./committer.ts";
import type {
  Clock,
  InvokeOutcome,
  Invoker,
  KafkaSource,
  MappingLog,
  PartitionOffset,
  SourceListener,
  TopicPartition,
} from "./contract.ts";
import type { EventEnvelope, SourceRecord } from "./event.ts";
import { buildEvent, envelopeBytes, eventBytes, partitionKey, toEventRecord } from "./event.ts";
import type { Intake, TakeIn } from "./intake.ts";
import type { Delivery, GivenUp, Lease } from "./lease.ts";
import { chain, firstOffsetOf, heldBy, openLease, partition } from "./lease.ts";
import { Metrics } from "./metrics.ts";
import { interpretResponse } from "./response.ts";
import type { Batch, NextStep, Verdict } from "./retry.ts";
import { nextStep, recordsIn } from "./retry.ts";
import { invocationsPerPoller, lookEveryMs, pollersAtStart, pollersFor } from "./scaling.ts";

/** An invocation payload: 6 MB [gettingstarted-limits; with-kafka-esm, "a batch also closes at 6 MB"]. */
export const PAYLOAD_BYTES_MAX = 6_291_456;
/** What one mapping buffers in all, in bytes of JSON: four full payloads. Each partition has an equal share. */
const BUFFER_BYTES_MAX = 24 * 1_024 * 1_024;
/** A share is never so small that every fetch has to stop. */
const BUFFER_BYTES_PER_PARTITION_MIN = 256 * 1_024;
/** Small records cost more memory than their bytes say. Twice the largest batch keeps one ready while one is invoked. */
const BUFFER_RECORDS_PER_PARTITION_MAX = 20_000;
/** Lambda answers an invocation that reached the function with 200, whatever the function did [API_Invoke]. */
const STATUS_INVOKED = 200;
/** What Lambda says of a function that threw, ended or took too long. */
const FUNCTION_ERROR = "Unhandled";

/** What of a mapping's configuration concerns delivery. */
export type DeliveryConfig = Pick<
  MappingConfig,
  | "batchSize"
  | "windowMs"
  | "reportBatchItemFailures"
  | "scaling"
  | "retryAttemptsMax"
  | "recordAgeMsMax"
  | "bisectBatchOnFunctionError"
  | "functionArn"
> & { readonly envelope: EventEnvelope };

export interface MappingOptions {
  /** Begins every line in the log. */
  readonly name: string;
  readonly config: DeliveryConfig;
  readonly source: KafkaSource;
  readonly invoker: Invoker;
  /** Filters, and decodes. */
  readonly takeIn: TakeIn;
  /** Where given up batches go; undefined drops them. */
  readonly destination: OnFailureDestination | undefined;
  readonly clock: Clock;
  readonly log: MappingLog;
}

/** A mapping as an operator sees it. */
export interface MappingStatus {
  readonly paused: boolean;
  readonly pollers: number;
  readonly invocations: number;
  readonly partitions: ReadonlyArray<{
    readonly partition: number;
    readonly nextOffset: number | undefined;
    readonly committedOffset: number | undefined;
    /** Set while a batch of this partition is retried. */
    readonly failingFrom: number | undefined;
  }>;
  readonly metrics: ReturnType<Metrics["read"]>;
}

/**
 * An event source mapping at work: delivers a topic's records to a function, at least once and in order within a
 * partition. Its event pollers share the partitions; a partition is never in two invocations at once; a failed batch
 * waits for its retry and holds back its own partitions only.
 */
export class Mapping implements SourceListener {
  readonly metrics = new Metrics();
  readonly #options: MappingOptions;
  readonly #batcher: Batcher<Lease>;
  readonly #committer: Committer;
  readonly #leases = new Map<string, Lease>();
  /** Deliveries that wait for their next attempt. */
  readonly #waiting = new Set<Delivery>();
  readonly #running = new Map<Delivery, Promise<void>>();
  #pollers: number;
  #lookedAt = { settled: 0, throttled: 0 };
  #settled = 0;
  #throttled = 0;
  #holds = 0;
  #soon = false;
  #paused = false;
  #stopping = false;
  #cancelTimer: () => void = () => {};
  #cancelLook: () => void = () => {};

  constructor(options: MappingOptions) {
    const { clock, config, source } = options;
    this.#options = options;
    this.#pollers = pollersAtStart(config.scaling);
    this.#batcher = new Batcher({
      records: config.batchSize,
      windowMs: config.windowMs,
      payloadBytes: PAYLOAD_BYTES_MAX,
      envelopeBytes: envelopeBytes(config.envelope),
    });
    this.#committer = new Committer({
      clock,
      commit: (offsets) => source.commit(offsets),
      onCommitted: (offsets) => this.#noteCommitted(offsets),
      onFailed: (offsets, error, failures) => this.#reportCommit(offsets, error, failures),
      onAbandoned: (offsets) =>
        options.log.error(
          `${options.name}: SOK_COMMIT_FAILED: ${show(offsets)}: these records will be delivered again`,
        ),
    });
  }

  start(): void {
    this.#options.source.start(this);
    this.#lookLater();
  }

  /**
   * Invokes nothing more, waits for running batches and their commits, leaves the group. What still runs when `giveUp`
   * resolves is not committed: it will be delivered again.
   */
  async stop(giveUp: Promise<void>): Promise<void> {
    this.#stopping = true;
    this.#cancelTimer();
    this.#cancelLook();
    await Promise.race([this.#quiet(), giveUp]);
    this.#committer.stop();
    await Promise.race([this.#committer.idle(), giveUp]);
    for (const lease of [...this.#leases.values()]) this.#lose(lease);
    await this.#options.source.stop();
    await this.#options.destination?.close();
  }

  /** Waits for running batches, then runs `change` while nothing is invoked. Failed batches are tried right after. */
  async whileQuiet(change: () => Promise<void>): Promise<void> {
    this.#holds += 1;
    try {
      await this.#quiet();
      await change();
    } finally {
      this.#holds -= 1;
      for (const delivery of this.#waiting) delivery.retryAtMs = this.#options.clock.nowMs();
      this.#next();
    }
  }

  isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** Invokes nothing until `resume`; a batch that runs is finished. The mapping stays in its group. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#next();
  }

  /** Delivers again, or skips: goes on from these offsets, which are committed. Other members' partitions are refused. */
  async replay(positions: readonly PartitionOffset[]): Promise<void> {
    const { source } = this.#options;
    const findOwn = () =>
      positions.map((position) => {
        const lease = this.#leases.get(partitionKey(position.topic, position.partition));
        if (lease === undefined) throw new Error(`partition ${position.partition} is not read by this process`);
        return { lease, position };
      });
    findOwn();
    await this.whileQuiet(async () => {
      const own = findOwn();
      await this.#committer.idle();
      await source.commit(positions);
      for (const { lease, position } of own) this.#restart(lease, position.offset);
    });
  }

  status(): MappingStatus {
    return {
      paused: this.#paused,
      // More than partitions have nothing to do, and on AWS there never are.
      pollers: Math.min(this.#pollers, Math.max(1, this.#leases.size)),
      invocations: this.#running.size,
      partitions: [...this.#leases.values()]
        .sort((a, b) => a.partition - b.partition)
        .map(({ committedOffset, holder, key, nextOffset, partition }) => ({
          partition,
          nextOffset,
          committedOffset,
          failingFrom:
            holder !== undefined && (this.#waiting.has(holder) || holder.failures > 0)
              ? holder.slices.find((slice) => slice.key === key)?.records[0]?.offset
              : undefined,
        })),
      metrics: this.metrics.read(),
    };
  }

  /** Ends and committed offsets of all partitions of the topic, whoever reads them. Rejects when Kafka does not answer. */
  offsets(): ReturnType<KafkaSource["offsets"]> {
    return this.#options.source.offsets();
  }

  /** For each partition the offset of the first record at or after a time, the end where there is none. */
  offsetsAt(timestampMs: number): ReturnType<KafkaSource["offsetsAt"]> {
    return this.#options.source.offsetsAt(timestampMs);
  }

  onAssigned(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#open(partition);
    this.#sharePartitions();
    this.#next();
  }

  async onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    const leases = this.#leasesOf(partitions);
    for (const lease of leases) {
      lease.state = "leaving";
      lease.nextOffset = this.#batcher.firstOffset(lease.key) ?? lease.nextOffset;
      this.#batcher.close(lease.key);
      if (lease.holder !== undefined && this.#waiting.has(lease.holder)) this.#drop(lease.holder);
    }
    // By name, for an invocation may have outlived its lease.
    const keys = new Set(leases.map(({ key }) => key));
    await Promise.all([...this.#running].map(([{ slices }, run]) => slices.some(({ key }) => keys.has(key)) && run));
    await this.#committer.idle();
    for (const lease of leases) this.#lose(lease);
    this.#sharePartitions();
    this.#next();
  }

  onLost(partitions: readonly TopicPartition[]): void {
    for (const lease of this.#leasesOf(partitions)) this.#lose(lease);
    this.#sharePartitions();
  }

  onUnfenced(): void {
    this.#next();
  }

  onRecords(at: TopicPartition, records: readonly SourceRecord[], nextOffset: number): void {
    const { source, takeIn } = this.#options;
    const lease = this.#leases.get(partitionKey(at.topic, at.partition));
    if (lease === undefined || lease.state !== "held") return;
    this.metrics.add("PolledEventCount", records.length);
    const isWanted = () => lease.state === "held";
    const accept = (intake: Intake) => {
      if (isWanted()) this.#accept(lease, records, nextOffset, intake);
    };
    const intake = lease.intake === undefined ? takeIn(at, records, isWanted) : undefined;
    if (intake !== undefined && !(intake instanceof Promise)) {
      accept(intake);
      return;
    }
    lease.paused = true;
    source.pause(lease);
    const before = lease.intake ?? Promise.resolve();
    const done = before
      .then(() => intake ?? takeIn(at, records, isWanted))
      .then((taken) => {
        if (lease.intake === done) lease.intake = undefined;
        accept(taken);
      });
    lease.intake = done;
  }

  #accept(lease: Lease, polled: readonly SourceRecord[], nextOffset: number, { records, rejected }: Intake): void {
    const { clock, log, name } = this.#options;
    const first = polled[0]?.offset ?? nextOffset;
    if (lease.nextOffset !== undefined && first < lease.nextOffset) {
      // The log was cut or the topic made anew. Whatever the reason, reading again from here loses nothing.
      log.warning(
        `${name}: ${lease.key} went back from offset ${lease.nextOffset} to ${first}; reading again from there`,
      );
      this.#restart(lease, first);
      this.#next();
      return;
    }
    lease.nextOffset = nextOffset;
    lease.doneOffset ??= first;
    lease.committedOffset ??= first;
    const filteredOut = polled.length - records.length;
    this.metrics.add("FilteredOutEventCount", filteredOut);
    this.#settled += filteredOut;
    for (const [offset, error] of rejected) lease.rejected.set(offset, error);
    this.#batcher.add(lease.key, records, clock.nowMs(), rejected);
    this.#commitDone(lease);
    this.#balance(lease);
    this.#nextSoon();
  }

  #leasesOf(partitions: readonly TopicPartition[]): Lease[] {
    return partitions.flatMap(({ topic, partition }) => this.#leases.get(partitionKey(topic, partition)) ?? []);
  }

  #open(at: TopicPartition): void {
    const lease = openLease(at);
    this.#leases.set(lease.key, lease);
    this.#batcher.open(lease.key, lease);
    // An invocation for a lease that was lost may still run.
    if (this.#isInvoked(lease.key)) this.#batcher.hold(lease.key);
  }

  #lose(lease: Lease): void {
    // Then the partition may have another lease by now.
    if (lease.state === "lost") return;
    lease.state = "lost";
    this.#leases.delete(lease.key);
    this.#batcher.close(lease.key);
    this.#committer.forget(lease.partition);
    if (lease.holder !== undefined && this.#waiting.has(lease.holder)) this.#drop(lease.holder);
  }

  /** Forgets what is buffered of a partition and reads it from here. */
  #restart(lease: Lease, offset: number): void {
    const { source } = this.#options;
    const { topic, partition } = lease;
    this.#lose(lease);
    this.#open(lease);
    this.#sharePartitions();
    source.seek({ topic, partition, offset });
    source.resume({ topic, partition });
  }

  /** Takes what is not held any more out of a delivery that waits, and of those after it. */
  #drop(delivery: Delivery): void {
    this.#waiting.delete(delivery);
    this.#continue(delivery);
  }

  #isInvoked(key: string): boolean {
    for (const { slices } of this.#running.keys()) if (slices.some((slice) => slice.key === key)) return true;
    return false;
  }

  /** Gives each event poller its share of the partitions. */
  #sharePartitions(): void {
    const leases = [...this.#leases.values()].sort((a, b) => a.partition - b.partition);
    leases.forEach((lease, i) => {
      lease.poller = i % this.#pollers;
      this.#batcher.assign(lease.key, lease.poller);
    });
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

  async #quiet(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  /**
   * Lets the source ask for more first, so that Kafka fetches while this process makes events of what there is; records of
   * several partitions that arrive together get into one batch.
   */
  #nextSoon(): void {
    if (this.#soon) return;
    this.#soon = true;
    this.#options.clock.soon(() => {
      this.#soon = false;
      this.#next();
    });
  }

  /** Starts what is due, and sets the timer for what will be. Called after anything has changed. */
  #next(): void {
    this.#cancelTimer();
    const { clock, config, invoker, source } = this.#options;
    if (this.#holds > 0 || this.#paused || this.#stopping) return;
    const nowMs = clock.nowMs();
    const atOnceMax = invoker.invocationsMax ?? Number.POSITIVE_INFINITY;
    const invocationsMax = invocationsPerPoller(config.scaling, this.#pollers, atOnceMax);
    let dueAtMs = Number.POSITIVE_INFINITY;
    for (let poller = 0; poller < this.#pollers; poller += 1) {
      while (this.#invocationsOf(poller) < invocationsMax) {
        const retry = this.#nextRetry(poller);
        const retryAtMs = retry?.retryAtMs ?? Number.POSITIVE_INFINITY;
        const batchAtMs = this.#batcher.dueAtMs(poller, ({ paused }) => paused) ?? Number.POSITIVE_INFINITY;
        if (Math.min(retryAtMs, batchAtMs) > nowMs) {
          dueAtMs = Math.min(dueAtMs, retryAtMs, batchAtMs);
          break;
        }
        // Before each: the function that was invoked last may have blocked this process for longer than a session.
        if (source.isFenced()) return;
        const delivery = retry !== undefined && retryAtMs <= nowMs ? retry : this.#cut(poller);
        if (delivery === undefined) break;
        this.#run(delivery);
      }
    }
    if (Number.isFinite(dueAtMs)) this.#cancelTimer = clock.setTimer(dueAtMs - nowMs, () => this.#next());
  }

  #invocationsOf(poller: number): number {
    let invocations = 0;
    for (const { slices } of this.#running.keys()) if (slices[0]?.owner.poller === poller) invocations += 1;
    return invocations;
  }

  #nextRetry(poller: number): Delivery | undefined {
    let next: Delivery | undefined;
    for (const delivery of this.#waiting) {
      if (delivery.slices[0]?.owner.poller !== poller) continue;
      if (next === undefined || delivery.retryAtMs < next.retryAtMs) next = delivery;
    }
    return next;
  }

  #cut(poller: number): Delivery | undefined {
    const taken = this.#batcher.take(poller);
    if (taken === undefined) return undefined;
    const slices = taken.map(({ key, owner, records }) => ({
      key,
      owner,
      records: records.map((record) => toEventRecord(owner.topic, owner.partition, record)),
    }));
    const delivery: Delivery = { slices, failures: 0, idleAttempts: 0, invocations: 0, retryAtMs: 0 };
    this.#hold(delivery);
    for (const { owner } of slices) this.#balance(owner);
    return delivery;
  }

  #hold(delivery: Delivery): void {
    for (const lease of heldBy(delivery)) {
      lease.holder = delivery;
      this.#batcher.hold(lease.key);
    }
  }

  #run(delivery: Delivery): void {
    this.#waiting.delete(delivery);
    const attempt =
      delivery.givenUp === undefined ? this.#deliver(delivery) : this.#dispose(delivery, delivery.givenUp);
    const run = attempt.then((next) => {
      this.#running.delete(delivery);
      this.#replace(delivery, next);
      this.#nextSoon();
    });
    this.#running.set(delivery, run);
  }

  /** One attempt to get a batch to the function. Results in what takes its place. */
  async #deliver(delivery: Delivery): Promise<readonly Delivery[]> {
    const { config, invoker } = this.#options;
    const oldestMs = this.#options.clock.nowMs() - config.recordAgeMsMax;
    if (oldestMs > Number.NEGATIVE_INFINITY) {
      const { other, passed } = partition(delivery.slices, ({ timestamp }) => timestamp < oldestMs);
      if (passed.length > 0) {
        const expired = { ...delivery, slices: passed, next: { ...delivery, slices: other } };
        return this.#giveUp(expired, { condition: "RecordAgeExceeded", response: undefined });
      }
    }
    const invalid = this.#rejectionOf(delivery.slices);
    if (invalid !== undefined) {
      this.#report(delivery.slices, { code: invalid.code, reason: invalid.message }, 1, "it is given up");
      return this.#giveUp(delivery, { condition: invalid.reason, response: undefined });
    }
    const event = buildEvent(config.envelope, delivery.slices);
    // Only a record that is alone can be too large: the batcher puts none beside it.
    const bytes = recordsIn(delivery.slices) > 1 ? 0 : eventBytes(event);
    if (bytes > PAYLOAD_BYTES_MAX) return this.#reject(delivery, bytes);

    const outcome = await invoker
      .invoke(event)
      .catch(
        (error: unknown): InvokeOutcome => ({ kind: "failed", code: "SOK_FUNCTION_CRASHED", reason: messageOf(error) }),
      );
    const { failure, verdict } = this.#judge(delivery.slices, outcome);
    const step = nextStep(delivery.slices, delivery.failures, verdict, config);
    this.#count(delivery, outcome, step);
    return this.#follow(delivery, step, failure, outcome);
  }

  /** Why a record that is alone in its batch must not reach the function. */
  #rejectionOf(slices: Batch<Lease>): RecordSchemaError | undefined {
    const [slice] = slices;
    const [record] = slice?.records ?? [];
    return recordsIn(slices) === 1 && record !== undefined ? slice?.owner.rejected.get(record.offset) : undefined;
  }

  #judge(slices: Batch<Lease>, outcome: InvokeOutcome): { readonly verdict: Verdict; readonly failure?: Failure } {
    if (outcome.kind === "throttled") {
      return {
        verdict: outcome,
        failure: { code: "SOK_FUNCTION_THROTTLED", reason: "reservedConcurrency is used up" },
      };
    }
    if (outcome.kind === "failed") {
      const { code, reason } = outcome;
      return { verdict: outcome, failure: { code, reason, functionError: FUNCTION_ERROR } };
    }
    if (!this.#options.config.reportBatchItemFailures) return { verdict: { kind: "succeeded" } };
    const said = interpretResponse(outcome.response, (wanted) =>
      slices.find(({ key }) => key === wanted)?.records.map(({ offset }) => offset),
    );
    if (said.kind === "malformed") {
      return { verdict: { kind: "failed" }, failure: { code: "SOK_RESPONSE_MALFORMED", reason: said.reason } };
    }
    if (said.kind === "succeeded") return { verdict: said };
    return { verdict: said, failure: { code: "SOK_FUNCTION_FAILED", reason: "reported in batchItemFailures" } };
  }

  #count({ slices }: Delivery, outcome: InvokeOutcome, step: NextStep<Lease>): void {
    const records = recordsIn(slices);
    const left = step.kind === "done" ? 0 : step.kind === "split" ? records : recordsIn(step.slices);
    this.#settled += records - left;
    if (outcome.kind !== "returned") this.metrics.add("InvokeErrorCount", 1);
    if (outcome.kind === "throttled") {
      this.#throttled += 1;
    } else {
      this.metrics.add("InvokedEventCount", records);
      this.metrics.add("FailedInvokeEventCount", left);
    }
  }

  /** What a decision about a delivery puts in its place. */
  #follow(
    delivery: Delivery,
    step: NextStep<Lease>,
    failure: Failure | undefined,
    outcome: InvokeOutcome,
  ): readonly Delivery[] {
    if (step.kind === "done") return after(delivery);
    const throttled = outcome.kind === "throttled";
    const invocations = delivery.invocations + (throttled ? 0 : 1);
    if (step.kind === "giveUp") {
      this.#report(step.slices, failure, invocations, "no attempt is left");
      const response = {
        statusCode: STATUS_INVOKED,
        executedVersion: "$LATEST",
        functionError: failure?.functionError,
      };
      const last = { ...delivery, slices: step.slices, invocations };
      return this.#giveUp(last, { condition: "RetryAttemptsExhausted", response });
    }
    const idleAttempts = throttled ? delivery.idleAttempts + 1 : 0;
    const inMs = this.#backoff(INVOKE_BACKOFF, throttled ? idleAttempts : Math.max(1, step.failures));
    const retryAtMs = this.#options.clock.nowMs() + inMs;
    const retry = (slices: Batch<Lease>, next: Delivery | undefined): Delivery => ({
      slices,
      failures: step.failures,
      idleAttempts,
      invocations,
      retryAtMs,
      next,
    });
    if (step.kind === "retry") {
      this.#report(step.slices, failure, invocations, `again in ${seconds(inMs)}`);
      return [retry(step.slices, delivery.next)];
    }
    const [first, second] = step.halves;
    this.#report(delivery.slices, failure, invocations, `split into ${where(first)} and ${where(second)}`);
    const ofOnePartition = first[0]?.owner === second[0]?.owner;
    if (ofOnePartition) return [retry(first, retry(second, delivery.next))];
    return [retry(first, undefined), retry(second, undefined)];
  }

  /** A record that no invocation can carry: there is nothing to retry, only to put aside, or to wait in front of. */
  #reject(delivery: Delivery, bytes: number): readonly Delivery[] {
    const { clock, config, destination } = this.#options;
    const failure: Failure = {
      code: "SOK_RECORD_TOO_LARGE",
      reason: `a payload of ${bytes} bytes cannot be invoked, ${PAYLOAD_BYTES_MAX} is the most`,
    };
    const attempt = delivery.failures + 1;
    if (destination === undefined && config.retryAttemptsMax === Number.POSITIVE_INFINITY) {
      this.#report(delivery.slices, failure, attempt, "without a destination the partition waits here");
      const retryAtMs = clock.nowMs() + this.#backoff(INVOKE_BACKOFF, attempt);
      return [{ ...delivery, failures: attempt, retryAtMs }];
    }
    this.#report(delivery.slices, failure, attempt, "it is given up");
    return this.#giveUp(delivery, { condition: "MaximumPayloadSizeExceeded", response: undefined });
  }

  /** From now on only the destination is tried; where there is none, the records are dropped. */
  #giveUp(delivery: Delivery, givenUp: GivenUp): readonly Delivery[] {
    const { clock, destination, log, name } = this.#options;
    if (destination !== undefined) return [{ ...delivery, idleAttempts: 0, givenUp, retryAtMs: clock.nowMs() }];
    const records = recordsIn(delivery.slices);
    this.metrics.add("DroppedEventCount", records);
    this.#settled += records;
    log.error(
      `${name}: SOK_RECORDS_DROPPED: ${where(delivery.slices)}: ${givenUp.condition}, and there is no on-failure destination`,
    );
    return after(delivery);
  }

  /** One attempt to get a given up batch to the destination. */
  async #dispose(delivery: Delivery, { condition, response }: GivenUp): Promise<readonly Delivery[]> {
    const { clock, config, destination, log, name } = this.#options;
    const event = buildEvent(config.envelope, delivery.slices);
    const batch: FailedBatch = {
      condition,
      response,
      requestId: randomUUID(),
      functionArn: config.functionArn,
      approximateInvokeCount: delivery.invocations,
      timestampMs: clock.nowMs(),
      payloadBytes: eventBytes(event),
      event,
    };
    try {
      await destination?.deliver(batch);
    } catch (error) {
      const idleAttempts = delivery.idleAttempts + 1;
      const inMs = this.#backoff(DESTINATION_BACKOFF, idleAttempts);
      const line = `${name}: SOK_DESTINATION_FAILED: ${where(delivery.slices)}: ${messageOf(error)}`;
      log.error(`${line}; nothing is committed, again in ${seconds(inMs)}`);
      return [{ ...delivery, idleAttempts, retryAtMs: clock.nowMs() + inMs }];
    }
    const records = recordsIn(delivery.slices);
    this.metrics.add("OnFailureDestinationDeliveredEventCount", records);
    this.#settled += records;
    log.warning(`${name}: ${where(delivery.slices)}: ${condition}, sent to ${destination?.name}`);
    return after(delivery);
  }

  /** Puts deliveries in the place of one that has ended. Partitions that none of them has are done, and free. */
  #replace(delivery: Delivery, next: readonly Delivery[]): void {
    for (const lease of heldBy(delivery)) lease.holder = undefined;
    for (const one of next) this.#continue(one);
    for (const { key, owner, records } of delivery.slices) {
      if (owner.rejected.size > 0) for (const { offset } of records) owner.rejected.delete(offset);
      // By name, for an invocation may have outlived its lease, and the next one of the same partition waits for it.
      const current = this.#leases.get(key);
      if (current !== undefined && current.holder === undefined && !this.#isInvoked(key)) this.#batcher.release(key);
      this.#commitDone(owner);
    }
  }

  /** Lets a delivery wait for its turn, without what is not held any more. */
  #continue(delivery: Delivery | undefined): void {
    for (const one of chain(delivery)) {
      one.slices = one.slices.filter(({ owner, records }) => {
        if (owner.state === "held") return true;
        // What is not done is the next owner's. A lease that leaves is committed up to here.
        owner.holder = undefined;
        owner.nextOffset = Math.min(owner.nextOffset ?? Number.POSITIVE_INFINITY, records[0]?.offset ?? 0);
        return false;
      });
    }
    const first = [...chain(delivery)].find(({ slices }) => slices.length > 0);
    if (first === undefined) return;
    this.#hold(first);
    this.#waiting.add(first);
  }

  /** Commits up to the first record of a partition that is not done. */
  #commitDone(lease: Lease): void {
    if (lease.state === "lost" || lease.doneOffset === undefined) return;
    const offset = firstOffsetOf(lease) ?? this.#batcher.firstOffset(lease.key) ?? lease.nextOffset ?? lease.doneOffset;
    if (offset <= lease.doneOffset) return;
    lease.doneOffset = offset;
    this.#committer.request({ topic: lease.topic, partition: lease.partition, offset });
  }

  #noteCommitted(offsets: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const lease = this.#leases.get(partitionKey(topic, partition));
      if (lease === undefined) continue;
      this.metrics.add("CommittedEventCount", offset - (lease.committedOffset ?? offset));
      lease.committedOffset = offset;
    }
  }

  #lookLater(): void {
    const { clock, config } = this.#options;
    this.#cancelLook = clock.setTimer(lookEveryMs(config.scaling), () => {
      void this.#look().finally(() => {
        if (!this.#stopping) this.#lookLater();
      });
    });
  }

  /** Looks at the lag and has more event pollers, or fewer. */
  async #look(): Promise<void> {
    const { config, log, name, source } = this.#options;
    let lag = 0;
    try {
      for (const { committed, end, partition, topic } of await source.offsets()) {
        const lease = this.#leases.get(partitionKey(topic, partition));
        // A group that has committed nothing yet is behind from where it began.
        if (lease !== undefined) lag += end - (committed ?? lease.doneOffset ?? end);
      }
    } catch {
      // Kafka does not answer: the source says so, and there is nothing to go by.
      return;
    }
    const load = {
      pollers: this.#pollers,
      partitions: this.#leases.size,
      lag,
      done: this.#settled - this.#lookedAt.settled,
      throttled: this.#throttled - this.#lookedAt.throttled,
    };
    this.#lookedAt = { settled: this.#settled, throttled: this.#throttled };
    const wanted = pollersFor(config.scaling, load);
    if (wanted === load.pollers) return;
    log.notice(`${name}: ${wanted} event pollers in place of ${load.pollers}, at a lag of ${lag}`);
    this.#pollers = wanted;
    this.#sharePartitions();
    this.#next();
  }

  #backoff(backoff: typeof INVOKE_BACKOFF, attempt: number): number {
    return backoffMs(backoff, attempt, this.#options.clock.random());
  }

  #report(slices: Batch<Lease>, failure: Failure | undefined, attempt: number, then: string): void {
    if (failure === undefined) return;
    this.#options.log.error(
      `${this.#options.name}: ${failure.code}: ${where(slices)}: attempt ${attempt} failed: ${oneLine(failure.reason)}; ${then}`,
    );
  }

  #reportCommit(offsets: readonly PartitionOffset[], error: unknown, failures: number): void {
    this.metrics.add("CommitErrorCount", 1);
    if (failures > 1) return;
    const { log, name } = this.#options;
    log.warning(`${name}: SOK_COMMIT_FAILED: ${show(offsets)}: ${messageOf(error)}; trying until it succeeds`);
  }
}

interface Failure {
  readonly code: MappingErrorCode;
  readonly reason: string;
  /** What the invocation says of itself; undefined when the function has returned. */
  readonly functionError?: string;
}

/** What comes after a delivery that is done. */
function after({ next }: Delivery): readonly Delivery[] {
  return next === undefined ? [] : [next];
}

function where(slices: Batch<Lease>): string {
  return slices.map(({ key, records }) => `${key} offsets ${records[0]?.offset}-${records.at(-1)?.offset}`).join(", ");
}

function show(offsets: readonly PartitionOffset[]): string {
  return offsets.map(({ topic, partition, offset }) => `${partitionKey(topic, partition)} ${offset}`).join(", ");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

const REASON_CHARACTERS_MAX = 500;

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " | ").slice(0, REASON_CHARACTERS_MAX);
}

function messageOf(error: unknown): string {
  return oneLine(error instanceof Error ? error.message : String(error));
}
