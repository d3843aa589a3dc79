// What delivery needs from outside: Kafka, the function, time, and a place to say things.
import type { MappingErrorCode } from "../errors.ts";
import type { MappingEvent, SourceRecord } from "./event.ts";

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
  /**
   * Whether the group may have given this member's partitions to others already: nothing has been heard of it for as
   * long as a session. A process that was frozen finds out so before it invokes anything.
   */
  isFenced(): boolean;
  /** The end of each partition of the topic, and what the group has committed (undefined: nothing), all of them. */
  offsets(): Promise<ReadonlyArray<TopicPartition & { readonly end: number; readonly committed: number | undefined }>>;
  /** For each partition the offset of the first record at or after a time, the end where there is none. */
  offsetsAt(timestampMs: number): Promise<readonly PartitionOffset[]>;
}

export interface SourceListener {
  /** These partitions are this member's from now on, besides those that it has. */
  onAssigned(partitions: readonly TopicPartition[]): void;
  /** The group wants these back. Nobody else gets them before the result has resolved. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>;
  /** These may be others' already. */
  onLost(partitions: readonly TopicPartition[]): void;
  /** @param nextOffset where the source reads on: behind the last record, or behind markers that are no records */
  onRecords(partition: TopicPartition, records: readonly SourceRecord[], nextOffset: number): void;
  /** The group has answered after `isFenced`. */
  onUnfenced(): void;
}

export type InvokeOutcome =
  | { readonly kind: "returned"; readonly response: unknown }
  | { readonly kind: "failed"; readonly code: MappingErrorCode; readonly reason: string }
  /** The function has as many invocations as it may have; it was not invoked. */
  | { readonly kind: "throttled" };

/** Runs the function; a failure is an outcome, never a rejection. May be called again before the last call has ended. */
export interface Invoker {
  /**
   * How many invocations run at once, where the machine sets a limit: one beyond that would wait with its event, which is
   * 6 MB. Left out for as many as there are.
   */
  readonly invocationsMax?: number;
  invoke(event: MappingEvent): Promise<InvokeOutcome>;
}

/** Time and chance, from outside. */
export interface Clock {
  nowMs(): number;
  /** Calls back once; the result takes it back. */
  setTimer(delayMs: number, callback: () => void): () => void;
  /** Calls back when what is under way has had its turn. */
  soon(callback: () => void): void;
  random(): number;
}

export interface MappingLog {
  notice(line: string): void;
  warning(line: string): void;
  error(line: string): void;
}
