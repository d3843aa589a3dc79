import type { Alert } from "../alerts/index.ts";
import type { Agent, Finding } from "./agent.ts";
import { PartitionState } from "./partition-state.ts";
import { RECORD, type RecordBatch } from "./record-batch.ts";
import {
  type Change,
  type FoldStore,
  type FoldTransaction,
  keyOf,
  type TopicPartition,
  type Watermark,
} from "./store.ts";
import { forEachTransaction, TransactionWriter } from "./stored-transactions.ts";
import { emptyTransaction, type Transaction } from "./transaction.ts";

export interface FoldResult {
  judged: number;
  /** Captured twice, or in a new snapshot: judged before. */
  repeated: number;
  /** Updates, deletes and the like. */
  ignored: number;
  /** Delivered again: below the watermark. */
  redelivered: number;
  /** Above the watermark, and not delivered: put aside, expired, or passed over by a group that was moved or is ahead of a restored database. */
  skipped: readonly SkippedOffsets[];
  alerts: readonly Alert[];
  /** Of these alerts, how many were not in the table yet. */
  newAlerts: number;
}

export interface SkippedOffsets extends TopicPartition {
  readonly first: number;
  readonly last: number;
}

/**
 * The state of a partition is written whole when the changes since the last time weigh as much, as stored, as it did then: so
 * that a cold environment never reads more than twice the state, and writing it costs no more than writing the changes, however
 * large it is. A small state waits for this much, some 50,000 transactions, which take 10 ms to judge again.
 */
export const checkpointBytesMin = 600_000;

/** What a change weighs besides its transactions: those without any must not pile up either. */
const changeBytes = 64;

/**
 * What an environment keeps in memory, of all partitions together, before it gives up those that it used least recently: they
 * are read again when they come again. Half of what Lambda gives a function by serverless.yml.
 */
export const warmBytesMax = 512 * 1024 * 1024;

export interface FoldOptions {
  readonly checkpointBytesMin?: number;
  readonly warmBytesMax?: number;
}

interface Warm {
  readonly lineage: string;
  nextOffset: number;
  readonly state: PartitionState;
  /** In main memory, as counted when it was read and at each checkpoint. */
  bytes: number;
  /** Of the last checkpoint, and of the changes since. */
  checkpointBytes: number;
  bytesSince: number;
}

/**
 * Runs an agent over the stream with effects that happen exactly once, although records are delivered at least once.
 *
 * Every batch is one transaction: lock the watermarks, leave out what is below them, judge the rest, store what was judged
 * and the alerts, move the watermarks. The state itself stays in memory; what is stored is a checkpoint of it and the
 * changes since. An environment whose memory is at the watermark reads nothing; any other one, be it new, overtaken by
 * another, or unsure whether its last transaction was committed, replays what it lacks before it judges.
 */
export class DurableFold {
  readonly #agent: Agent;
  readonly #store: FoldStore;
  readonly #checkpointBytesMin: number;
  readonly #warmBytesMax: number;
  /** By topic and partition, the most recently used last. */
  readonly #warm = new Map<string, Warm>();

  constructor(agent: Agent, store: FoldStore, options: FoldOptions = {}) {
    this.#agent = agent;
    this.#store = store;
    this.#checkpointBytesMin = options.checkpointBytesMin ?? checkpointBytesMin;
    this.#warmBytesMax = options.warmBytesMax ?? warmBytesMax;
  }

  /**
   * At most one batch a partition.
   *
   * @throws whatever the store throws; then nothing has happened, or, when only COMMIT's answer was lost, everything.
   */
  async apply(batches: readonly RecordBatch[]): Promise<FoldResult> {
    const filled = batches.filter((batch) => batch.length > 0);
    if (filled.length === 0) {
      return { judged: 0, repeated: 0, ignored: 0, redelivered: 0, skipped: [], alerts: [], newAlerts: 0 };
    }
    try {
      const result = await this.#store.transaction((transaction) => this.#applyIn(transaction, filled));
      this.#giveUpUnused(filled);
      return result;
    } catch (error) {
      // Memory is ahead of what was stored, or may be: it is read again next time.
      for (const batch of filled) this.#warm.delete(keyOf(batch));
      throw error;
    }
  }

  async #applyIn(transaction: FoldTransaction, batches: readonly RecordBatch[]): Promise<FoldResult> {
    const watermarks = new Map((await transaction.lockWatermarks(batches)).map((each) => [keyOf(each), each]));
    const result = { judged: 0, repeated: 0, ignored: 0, redelivered: 0 };
    const [changes, alerts, skipped]: [Change[], Alert[], SkippedOffsets[]] = [[], [], []];
    for (const batch of batches) {
      const watermark = watermarks.get(keyOf(batch));
      if (watermark === undefined) throw new Error(`No watermark for ${keyOf(batch)}: the store must make one.`);
      const redelivered = countBelow(batch, watermark.nextOffset);
      result.redelivered += redelivered;
      if (redelivered === batch.length) continue;
      const { topic, partition } = batch;
      const [first, last] = [watermark.nextOffset, batch.offset(redelivered) - 1];
      // At its beginning, an agent starts with what its topic still has.
      if (first > 0 && first <= last) skipped.push({ topic, partition, first, last });
      const warm = await this.#stateAt(transaction, watermark);
      const change = this.#judge(warm, batch, redelivered, alerts);
      result.judged += change.judged;
      result.repeated += change.repeated;
      result.ignored += change.ignored;
      changes.push(change);
    }
    const newAlerts = changes.length === 0 ? 0 : await transaction.append(changes, alerts);
    for (const change of changes) await this.#checkpointIfDue(transaction, change);
    return { ...result, skipped, alerts, newAlerts };
  }

  /** The state of a partition at its watermark: as it is in memory, caught up, or read whole. */
  async #stateAt(transaction: FoldTransaction, watermark: Watermark): Promise<Warm> {
    const key = keyOf(watermark);
    const found = this.#warm.get(key);
    if (found?.lineage === watermark.lineage) {
      if (found.nextOffset === watermark.nextOffset) return found;
      if (found.nextOffset < watermark.nextOffset && (await this.#replay(transaction, found, watermark))) return found;
    }
    const checkpoint = await transaction.readCheckpoint(watermark);
    const state = checkpoint ? PartitionState.decode(this.#agent, checkpoint.state) : PartitionState.empty(this.#agent);
    const warm: Warm = {
      lineage: watermark.lineage,
      nextOffset: checkpoint?.nextOffset ?? 0,
      state,
      bytes: 0,
      checkpointBytes: checkpoint?.state.length ?? 0,
      bytesSince: 0,
    };
    if (!(await this.#replay(transaction, warm, watermark))) {
      throw new Error(
        `The state of agent ${this.#agent.name} in ${key} cannot be rebuilt: there is a checkpoint at ${warm.nextOffset} and the watermark is ${watermark.nextOffset}, but the changes between are not all there.`,
      );
    }
    warm.bytes = state.bytes;
    this.#warm.set(key, warm);
    return warm;
  }

  /** Keeps memory within its limit; what was just used stays in any case. */
  #giveUpUnused(used: readonly TopicPartition[]): void {
    const keys = new Set(used.map(keyOf));
    for (const key of keys) {
      const warm = this.#warm.get(key);
      if (warm === undefined) continue;
      this.#warm.delete(key);
      this.#warm.set(key, warm);
    }
    let bytes = 0;
    for (const warm of this.#warm.values()) bytes += warm.bytes;
    // In the order of their use: from the first one on that was just used, all were.
    for (const [key, warm] of this.#warm) {
      if (bytes <= this.#warmBytesMax || keys.has(key)) return;
      this.#warm.delete(key);
      bytes -= warm.bytes;
    }
  }

  /**
   * Judges again what others judged since. False when the changes do not lead from here to the watermark: a checkpoint has
   * taken their place.
   */
  async #replay(transaction: FoldTransaction, warm: Warm, watermark: Watermark): Promise<boolean> {
    if (warm.nextOffset === watermark.nextOffset) return true;
    const changes = await transaction.readChanges(watermark, warm.nextOffset);
    // A change's firstOffset is the watermark that it found, so a chain without holes ends where the next one begins.
    let reached = warm.nextOffset;
    for (const change of changes) {
      if (change.firstOffset !== reached) return false;
      reached = change.nextOffset;
    }
    if (reached !== watermark.nextOffset) return false;
    for (const { transactions } of changes) {
      forEachTransaction(transactions, (each) => {
        if (warm.state.admit(each)) warm.state.judge(each);
      });
      warm.bytesSince += transactions.length + changeBytes;
    }
    warm.nextOffset = reached;
    return true;
  }

  #judge(warm: Warm, batch: RecordBatch, from: number, alerts: Alert[]): Change {
    const { state } = warm;
    const judged = new TransactionWriter();
    const transaction = emptyTransaction();
    let [repeated, ignored] = [0, 0];
    for (let i = from; i < batch.length; i++) {
      if (batch.kind(i) === RECORD.ignored) {
        ignored++;
        continue;
      }
      batch.read(i, transaction);
      if (!state.admit(transaction)) {
        repeated++;
        continue;
      }
      const finding = state.judge(transaction);
      judged.add(transaction);
      if (finding !== undefined) alerts.push(this.#alertOf(finding, transaction, batch, i));
    }
    const { topic, partition } = batch;
    const transactions = judged.finish();
    const firstOffset = warm.nextOffset;
    warm.nextOffset = batch.offset(batch.length - 1) + 1;
    warm.bytesSince += transactions.length + changeBytes;
    const { nextOffset } = warm;
    return { topic, partition, firstOffset, nextOffset, transactions, judged: judged.count, repeated, ignored };
  }

  #alertOf(finding: Finding, transaction: Transaction, batch: RecordBatch, index: number): Alert {
    const { name, ruleVersion } = this.#agent;
    return {
      alertId: `${name}-${finding.rule}-v${ruleVersion}-${transaction.id}`,
      agent: name,
      rule: finding.rule,
      ruleVersion,
      transactionId: transaction.id,
      userId: transaction.userId,
      amountCents: transaction.amountCents,
      reason: finding.reason,
      historical: batch.kind(index) === RECORD.historical,
      topic: batch.topic,
      partition: batch.partition,
      kafkaOffset: batch.offset(index),
      committedAtMicros: batch.committedAtMicros(index),
    };
  }

  async #checkpointIfDue(transaction: FoldTransaction, { topic, partition }: TopicPartition): Promise<void> {
    const warm = this.#warm.get(keyOf({ topic, partition }));
    if (warm === undefined || warm.bytesSince < Math.max(this.#checkpointBytesMin, warm.checkpointBytes)) return;
    const state = warm.state.encode();
    await transaction.writeCheckpoint({ topic, partition, nextOffset: warm.nextOffset, state });
    warm.bytes = warm.state.bytes;
    warm.checkpointBytes = state.length;
    warm.bytesSince = 0;
  }
}

/**
 * How many records, at the beginning, have offsets below this one. Those of a topic that was made anew do too, which nothing here
 * can tell: the tables are emptied together with the topic (docs/operations.md).
 */
function countBelow(batch: RecordBatch, offset: number): number {
  let count = 0;
  while (count < batch.length && batch.offset(count) < offset) count++;
  return count;
}
