import type { Kafka, PartitionAssigner } from "kafkajs";
import kafkajs from "kafkajs";
import type { SourceRecord } from "../delivery/event.ts";
import type { FetchCluster } from "../kafka/fast-fetch.ts";
import { decodeFast, recordsOf } from "../kafka/fast-fetch.ts";

/** Of a group that nobody else is in. */
const SESSION_TIMEOUT_MS = 10_000;
/** How long a broker waits for records that are there already, at the most. */
const FETCH_WAIT_MS_MAX = 100;

/** What to read of a partition: `from` up to, not including, `to`. */
export interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Reads stretches of a topic, in a consumer group of its own that is gone afterwards: kafkajs reads only in groups.
 *
 * @param take gets what there is of a partition, in order; false means enough of it
 */
export async function readStretches(
  kafka: Kafka,
  { groupId, signal, stretches, topic }: ReadOptions,
  take: (partition: number, records: readonly SourceRecord[]) => Promise<boolean>,
): Promise<void> {
  const open = new Map(stretches.filter(({ from, to }) => from < to).map((one) => [one.partition, one]));
  if (open.size === 0) return;
  const consumer = kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
    sessionTimeout: SESSION_TIMEOUT_MS,
    partitionAssigners: [decodingAssigner],
  });
  const { promise: ended, reject, resolve } = Promise.withResolvers<void>();
  // Nobody waits for it yet while the connection is made.
  ended.catch(() => {});
  const finish = (partition: number) => {
    open.delete(partition);
    if (open.size === 0) resolve();
  };
  consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    for (const partition of payload.memberAssignment[topic] ?? []) {
      const stretch = open.get(partition);
      if (stretch === undefined) consumer.pause([{ topic, partitions: [partition] }]);
      else consumer.seek({ topic, partition, offset: String(stretch.from) });
    }
  });
  // Also of batches that have nothing but the markers of transactions.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { lastOffset, partition } }) => {
    const stretch = open.get(partition);
    if (stretch !== undefined && Number(lastOffset) + 1 >= stretch.to) finish(partition);
  });
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch }) => {
        const { partition } = batch;
        const stretch = open.get(partition);
        if (stretch === undefined) return;
        const within = recordsOf(batch).filter(({ offset }) => offset >= stretch.from && offset < stretch.to);
        if (await take(partition, within)) return;
        consumer.pause([{ topic, partitions: [partition] }]);
        finish(partition);
      },
    });
    await ended;
  } finally {
    await consumer.disconnect().catch(() => {});
  }
}

/** kafkajs's own, which makes the consumer decode as that of a mapping does: kafkajs puts headers in another order. */
const decodingAssigner: PartitionAssigner = (options) => {
  decodeFast(options.cluster as unknown as FetchCluster);
  return kafkajs.PartitionAssigners.roundRobin(options);
};

export interface ReadOptions {
  readonly topic: string;
  readonly groupId: string;
  readonly stretches: readonly Stretch[];
  /** Gives up. */
  readonly signal: AbortSignal;
}
