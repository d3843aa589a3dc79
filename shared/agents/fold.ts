import type { Alert } from "../alerts/index.ts";
import type { Agent, Finding } from "./agent.ts";
import { PartitionState } from "./partition-state.ts";
import type { Change, FoldStore, FoldTransaction, TopicPartition, Watermark } from "./store.ts";
import { decodeTransactions, encodeTransactions, type Transaction } from "./transaction.ts";

/** A record of the stream: a transaction to judge, or one that only moves the watermark. */
export interface FoldRecord {
  readonly offset: number;
  readonly transaction: Transaction | null;
  /** Read by a snapshot. */
  readonly historical: boolean;
  readonly committedAtMicros: number;
}

/** The records of one partition, in the order of their offsets. */
export interface FoldBatch extends TopicPartition {
  readonly records: readonly FoldRecord[];
}

export interface FoldResult {
  judged: number;
  /** Captured twice, or in a new snapshot: judged before. */
  repeated: number;
  /** Updates, deletes and the like. */
  ignored: number;
  /** Delivered again: below the watermark. */
  redelivered: number;
  alerts: readonly Alert[];
  /** Of these alerts, how many were not in the table yet. */
  newAlerts: number;
}

/**
 * After this many transactions of a partition its state is written whole and the changes before are dropped, so that a cold
 * environment replays at most this many, about 0.1 s. A change counts as one more: those without transactions must not pile
 * up either, where a table has nothing but updates or is snapshotted again.
 */
export const transactionsPerCheckpoint = 50_000;

interface Warm {
  readonly lineage: string;
  nextOffset: number;
  readonly state: PartitionState;
  /** Transactions and changes. */
  sinceCheckpoint: number;
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
  readonly #transactionsPerCheckpoint: number;
  readonly #warm = new Map<string, Warm>();

  constructor(agent: Agent, store: FoldStore, options: { transactionsPerCheckpoint?: number } = {}) {
    this.#agent = agent;
    this.#store = store;
    this.#transactionsPerCheckpoint = options.transactionsPerCheckpoint ?? transactionsPerCheckpoint;
  }

  /**
   * At most one batch a partition.
   *
   * @throws whatever the store throws; then nothing has happened, or, when only COMMIT's answer was lost, everything.
   */
  async apply(batches: readonly FoldBatch[]): Promise<FoldResult> {
    const filled = batches.filter((batch) => batch.records.length > 0);
    if (filled.length === 0) return { judged: 0, repeated: 0, ignored: 0, redelivered: 0, alerts: [], newAlerts: 0 };
    try {
      return await this.#store.transaction((transaction) => this.#applyIn(transaction, filled));
    } catch (error) {
      // Memory is ahead of what was stored, or may be: it is read again next time.
      for (const batch of filled) this.#warm.delete(keyOf(batch));
      throw error;
    }
  }

  async #applyIn(transaction: FoldTransaction, batches: readonly FoldBatch[]): Promise<FoldResult> {
    const watermarks = new Map((await transaction.lockWatermarks(batches)).map((each) => [keyOf(each), each]));
    const result = { judged: 0, repeated: 0, ignored: 0, redelivered: 0 };
    const [changes, alerts]: [Change[], Alert[]] = [[], []];
    for (const batch of batches) {
      const watermark = watermarks.get(keyOf(batch));
      if (watermark === undefined) throw new Error(`No watermark for ${keyOf(batch)}: the store must make one.`);
      const records = batch.records.filter(({ offset }) => offset >= watermark.nextOffset);
      result.redelivered += batch.records.length - records.length;
      if (records.length === 0) continue;
      const warm = await this.#stateAt(transaction, watermark);
      const change = this.#judge(warm, batch, records, alerts);
      result.judged += change.judged;
      result.repeated += change.repeated;
      result.ignored += change.ignored;
      changes.push(change);
    }
    const newAlerts = changes.length === 0 ? 0 : await transaction.append(changes, alerts);
    for (const change of changes) await this.#checkpointIfDue(transaction, change);
    return { ...result, alerts, newAlerts };
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
    const warm: Warm = {
      lineage: watermark.lineage,
      nextOffset: checkpoint?.nextOffset ?? 0,
      state:
        checkpoint === undefined
          ? PartitionState.empty(this.#agent)
          : PartitionState.decode(this.#agent, checkpoint.state),
      sinceCheckpoint: 0,
    };
    if (!(await this.#replay(transaction, warm, watermark))) {
      throw new Error(
        `The state of agent ${this.#agent.name} in ${key} cannot be rebuilt: there is a checkpoint at ${warm.nextOffset} and the watermark is ${watermark.nextOffset}, but the changes between are not all there.`,
      );
    }
    this.#warm.set(key, warm);
    return warm;
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
    for (const change of changes) {
      const transactions = decodeTransactions(change.transactions);
      for (const each of transactions) warm.state.apply(each);
      warm.sinceCheckpoint += transactions.length + 1;
    }
    warm.nextOffset = reached;
    return true;
  }

  #judge(warm: Warm, { topic, partition }: TopicPartition, records: readonly FoldRecord[], alerts: Alert[]): Change {
    const judged: Transaction[] = [];
    let [repeated, ignored] = [0, 0];
    for (const record of records) {
      if (record.transaction === null) {
        ignored++;
        continue;
      }
      const answer = warm.state.apply(record.transaction);
      if (answer.repeated) {
        repeated++;
        continue;
      }
      judged.push(record.transaction);
      if (answer.finding) alerts.push(this.#alertOf(answer.finding, record, record.transaction, topic, partition));
    }
    const firstOffset = warm.nextOffset;
    warm.nextOffset = (records.at(-1)?.offset ?? firstOffset - 1) + 1;
    warm.sinceCheckpoint += judged.length + 1;
    return {
      topic,
      partition,
      firstOffset,
      nextOffset: warm.nextOffset,
      transactions: encodeTransactions(judged),
      judged: judged.length,
      repeated,
      ignored,
    };
  }

  #alertOf(finding: Finding, record: FoldRecord, transaction: Transaction, topic: string, partition: number): Alert {
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
      historical: record.historical,
      topic,
      partition,
      kafkaOffset: record.offset,
      committedAtMicros: record.committedAtMicros,
    };
  }

  async #checkpointIfDue(transaction: FoldTransaction, { topic, partition }: TopicPartition): Promise<void> {
    const warm = this.#warm.get(keyOf({ topic, partition }));
    if (warm === undefined || warm.sinceCheckpoint < this.#transactionsPerCheckpoint) return;
    await transaction.writeCheckpoint({ topic, partition, nextOffset: warm.nextOffset, state: warm.state.encode() });
    warm.sinceCheckpoint = 0;
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}
