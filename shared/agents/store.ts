import type { Alert } from "../alerts/index.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** As a key of a Map. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

/** Where an agent stands in a partition. */
export interface Watermark extends TopicPartition {
  /** The first offset that is not yet judged. */
  readonly nextOffset: number;
  /** Names the row. It differs when the tables were emptied and filled anew: what is in memory then belongs to another life. */
  readonly lineage: string;
}

/** A batch of one partition as it is stored: judging `transactions` again turns the state at firstOffset into the one at nextOffset. */
export interface Change extends TopicPartition {
  /** The watermark that it found, not its first record's offset: changes follow each other without holes, offsets may not. */
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly transactions: Uint8Array;
  /** Transactions judged, left out because they had been judged before, and records that are none of the agent's business. */
  readonly judged: number;
  readonly repeated: number;
  readonly ignored: number;
}

export interface StoredChange {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly transactions: Uint8Array;
}

export interface Checkpoint extends TopicPartition {
  readonly nextOffset: number;
  readonly state: Uint8Array;
}

/** What the fold asks of durable storage, inside of one transaction. */
export interface FoldTransaction {
  /** The watermarks, made where there are none yet, and locked until the transaction ends. */
  lockWatermarks(partitions: readonly TopicPartition[]): Promise<Watermark[]>;
  readCheckpoint(partition: TopicPartition): Promise<Checkpoint | undefined>;
  /** The changes from `fromOffset` on, in order. */
  readChanges(partition: TopicPartition, fromOffset: number): Promise<StoredChange[]>;
  /** Appends the changes, moves the watermarks behind them, and inserts the alerts that are not there yet. Returns how many were new. */
  append(changes: readonly Change[], alerts: readonly Alert[]): Promise<number>;
  /** Replaces the partition's checkpoint and removes the changes that it covers. */
  writeCheckpoint(checkpoint: Checkpoint): Promise<void>;
}

/** Durable storage of one agent. */
export interface FoldStore {
  /** All that `work` does is kept together or not at all. */
  transaction<Result>(work: (transaction: FoldTransaction) => Promise<Result>): Promise<Result>;
}
