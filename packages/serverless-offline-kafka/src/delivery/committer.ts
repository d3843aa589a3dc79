import { backoffMs, COMMIT_BACKOFF } from "./backoff.ts";
import type { Clock, PartitionOffset } from "./contract.ts";

/** With Kafka gone there is no end to commit attempts; leaving them is safe, the records come again. */
const ATTEMPTS_WHILE_STOPPING = 3;

export interface CommitterOptions {
  readonly clock: Clock;
  commit(offsets: readonly PartitionOffset[]): Promise<void>;
  onCommitted(offsets: readonly PartitionOffset[]): void;
  /** @param failures of this commit, from 1 */
  onFailed(offsets: readonly PartitionOffset[], error: unknown, failures: number): void;
  onAbandoned(offsets: readonly PartitionOffset[]): void;
}

/**
 * Commits offsets one request at a time, so that a batch need not wait for the commit of the one before: what becomes
 * due while a request is under way goes with the next one. Tries until the group has them.
 */
export class Committer {
  readonly #options: CommitterOptions;
  #due = new Map<number, PartitionOffset>();
  #sent = new Map<number, PartitionOffset>();
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Commits this position, unless a later one of its partition comes first. */
  request(offset: PartitionOffset): void {
    this.#due.set(offset.partition, offset);
    this.#running ??= this.#run();
  }

  /** Forgets what is due of a partition that is not this member's any more. */
  forget(partition: number): void {
    this.#due.delete(partition);
    this.#sent.delete(partition);
  }

  /** Resolves when nothing is due, or, after `stop`, when it was tried often enough. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** From now on commits are not tried for ever. */
  stop(): void {
    this.#stopping = true;
  }

  async #run(): Promise<void> {
    const { clock, commit, onAbandoned, onCommitted, onFailed } = this.#options;
    // What becomes due in the same moment, such as the partitions of one batch, goes together.
    await undefined;
    for (let failures = 0; this.#due.size > 0; ) {
      const offsets = [...this.#due.values()];
      this.#sent = this.#due;
      this.#due = new Map();
      try {
        await commit(offsets);
        failures = 0;
        onCommitted(offsets);
      } catch (error) {
        failures += 1;
        onFailed(offsets, error, failures);
        if (this.#stopping && failures >= ATTEMPTS_WHILE_STOPPING) {
          onAbandoned(offsets);
          break;
        }
        this.#due = new Map([...this.#sent, ...this.#due]);
        await new Promise<void>((resolve) =>
          clock.setTimer(backoffMs(COMMIT_BACKOFF, failures, clock.random()), resolve),
        );
      }
    }
    this.#running = undefined;
  }
}
