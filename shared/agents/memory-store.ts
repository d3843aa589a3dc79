import type { Alert } from "../alerts/index.ts";
import {
  type Change,
  type Checkpoint,
  type FoldStore,
  type FoldTransaction,
  keyOf,
  type StoredChange,
  type TopicPartition,
  type Watermark,
} from "./store.ts";

/** What happens in a transaction, in order. A fault at `commit` finds nothing kept, one at `answer` everything. */
export type Step = keyof FoldTransaction | "commit" | "answer";

interface Partition {
  nextOffset: number;
  lineage: string;
  checkpoint: Checkpoint | undefined;
  changes: StoredChange[];
}

/**
 * For tests: a FoldStore that keeps its promises like PostgreSQL, one transaction after the other, all of it or nothing, and
 * breaks where it is told to.
 */
export class MemoryStore implements FoldStore {
  /** Asked at every step; true breaks it. */
  breaksAt: (step: Step) => boolean = () => false;
  #partitions = new Map<string, Partition>();
  #alerts = new Map<string, Alert>();
  #lineages = 0;
  #last: Promise<unknown> = Promise.resolve();

  get alerts(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  partition(topicPartition: TopicPartition): Readonly<Partition> | undefined {
    return this.#partitions.get(keyOf(topicPartition));
  }

  /** As `truncate fraud.progress, fraud.checkpoints, fraud.changes, fraud.alerts`. */
  truncate(): void {
    this.#partitions.clear();
    this.#alerts.clear();
  }

  transaction<Result>(work: (transaction: FoldTransaction) => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => this.#run(work));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run<Result>(work: (transaction: FoldTransaction) => Promise<Result>): Promise<Result> {
    const partitions = new Map(
      [...this.#partitions].map(([key, value]) => [key, { ...value, changes: [...value.changes] }]),
    );
    const alerts = new Map(this.#alerts);
    const result = await work(this.#steps(partitions, alerts));
    this.#breakAt("commit");
    [this.#partitions, this.#alerts] = [partitions, alerts];
    this.#breakAt("answer");
    return result;
  }

  #steps(partitions: Map<string, Partition>, alerts: Map<string, Alert>): FoldTransaction {
    const locked = (topicPartition: TopicPartition): Partition => {
      const partition = partitions.get(keyOf(topicPartition));
      if (partition === undefined) throw new Error(`${keyOf(topicPartition)} is used without its lock.`);
      return partition;
    };
    return {
      lockWatermarks: async (wanted) => {
        this.#breakAt("lockWatermarks");
        return wanted.map(({ topic, partition }): Watermark => {
          const key = keyOf({ topic, partition });
          const found = partitions.get(key) ?? {
            nextOffset: 0,
            lineage: `life ${++this.#lineages}`,
            checkpoint: undefined,
            changes: [],
          };
          partitions.set(key, found);
          return { topic, partition, nextOffset: found.nextOffset, lineage: found.lineage };
        });
      },
      readCheckpoint: async (topicPartition) => {
        this.#breakAt("readCheckpoint");
        return locked(topicPartition).checkpoint;
      },
      readChanges: async (topicPartition, fromOffset) => {
        this.#breakAt("readChanges");
        return locked(topicPartition).changes.filter(({ firstOffset }) => firstOffset >= fromOffset);
      },
      append: async (changes, raised) => {
        this.#breakAt("append");
        for (const change of changes) appendTo(locked(change), change);
        const before = alerts.size;
        for (const alert of raised) if (!alerts.has(alert.alertId)) alerts.set(alert.alertId, alert);
        return alerts.size - before;
      },
      writeCheckpoint: async (checkpoint) => {
        this.#breakAt("writeCheckpoint");
        const partition = locked(checkpoint);
        partition.checkpoint = { ...checkpoint, state: checkpoint.state.slice() };
        partition.changes = partition.changes.filter(({ nextOffset }) => nextOffset > checkpoint.nextOffset);
      },
    };
  }

  #breakAt(step: Step): void {
    if (this.breaksAt(step)) throw new Error(`broken at ${step}`);
  }
}

function appendTo(partition: Partition, { firstOffset, nextOffset, transactions }: Change): void {
  if (partition.changes.some((each) => each.firstOffset === firstOffset)) {
    throw new Error(`duplicate key (first_offset)=(${firstOffset})`);
  }
  partition.changes.push({ firstOffset, nextOffset, transactions: transactions.slice() });
  partition.nextOffset = nextOffset;
}
