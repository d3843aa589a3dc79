import { randomUUID } from "node:crypto";
import type { Consumer, EachBatchPayload, KafkaMessage } from "kafkajs";
import { StackError } from "../../stack/errors.ts";
import { type Cluster, type PartitionRange, rangesOf, requireTopic } from "./cluster.ts";

export interface ReadOptions {
  readonly topic: string;
  readonly partition?: number | undefined;
  /** Where each partition begins. With a group: where it has not committed anything. */
  readonly from: "beginning" | "end" | { readonly last: number };
  /** Reads as a member of this group, and commits what was taken. */
  readonly group?: string | undefined;
  /** Goes on when it has come to where the topic ended. */
  readonly follow: boolean;
}

/** A group that takes long to give us a partition, or a partition whose last offsets hold no records. */
const silenceMs = 3_000;

/** How long a follower may have to wait for what has just been written. */
const waitMs = 100;

/**
 * Gives each record to `take`, in the order of its partition, until `take` says that it is enough, the signal comes, or (without
 * `follow`) all partitions have been read to where they ended at the beginning.
 */
export async function read(
  { kafka, admin }: Cluster,
  options: ReadOptions,
  take: (partition: number, message: KafkaMessage) => boolean,
  signal: AbortSignal,
): Promise<void> {
  await requireTopic(admin, options.topic);
  const ranges = (await rangesOf(admin, options.topic)).filter(
    ({ partition }) => options.partition === undefined || options.partition === partition,
  );
  if (ranges.length === 0) {
    throw new StackError("USAGE", `The topic '${options.topic}' has no partition ${options.partition}.`);
  }
  const committed = options.group === undefined ? new Map<number, number>() : await committedBy(admin, options);
  const starts = new Map(
    ranges.map((range) => [range.partition, committed.get(range.partition) ?? startOf(range, options)]),
  );
  const left = new Set(
    ranges.filter(({ partition, high }) => (starts.get(partition) ?? 0) < high).map((each) => each.partition),
  );
  if (left.size === 0 && !options.follow) return;

  const groupId = options.group ?? `tripline-cli-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: waitMs, sessionTimeout: 10_000, retry: { retries: 3 } });
  const taken = new Map<number, number>();
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: options.topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const silence = options.follow ? undefined : setTimeout(resolve, silenceMs);
      // The client may have another batch under way.
      let isOver = false;
      const end = () => {
        isOver = true;
        clearTimeout(silence);
        resolve();
      };
      signal.addEventListener("abort", end, { once: true });
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      // Of a partition that somebody else in the group reads, nothing will come.
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        const mine = payload.memberAssignment[options.topic] ?? [];
        for (const partition of left) if (!mine.includes(partition)) left.delete(partition);
        if (left.size === 0 && !options.follow) end();
      });
      const eachBatch = async ({ batch }: EachBatchPayload) => {
        silence?.refresh();
        const range = ranges.find(({ partition }) => partition === batch.partition);
        if (range === undefined) return;
        for (const message of batch.messages) {
          const offset = Number(message.offset);
          if (isOver) return;
          if (offset < (starts.get(batch.partition) ?? 0)) continue;
          if (!options.follow && offset >= range.high) break;
          taken.set(batch.partition, offset + 1);
          if (!take(batch.partition, message)) return end();
        }
        if (Number(batch.lastOffset()) + 1 >= range.high) left.delete(batch.partition);
        // Where it goes on for long, the group's lag is to be seen meanwhile.
        if (options.group !== undefined) await commit(consumer, options.topic, taken).catch(() => {});
        if (left.size === 0 && !options.follow) end();
      };
      consumer.run({ autoCommit: false, eachBatch }).catch(reject);
      for (const [partition, offset] of starts) {
        consumer.seek({ topic: options.topic, partition, offset: String(offset) });
      }
    });
    if (options.group !== undefined && taken.size > 0) await commit(consumer, options.topic, taken);
  } finally {
    await consumer.disconnect();
    // Nobody will ask for it again.
    if (options.group === undefined) await admin.deleteGroups([groupId]).catch(() => {});
  }
}

function startOf({ low, high }: PartitionRange, { from }: ReadOptions): number {
  if (from === "beginning") return low;
  return from === "end" ? high : Math.max(low, high - from.last);
}

async function committedBy(admin: Cluster["admin"], { group = "", topic }: ReadOptions): Promise<Map<number, number>> {
  const [of] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  const known = (of?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)] as const);
  return new Map(known.filter(([, offset]) => offset >= 0));
}

function commit(consumer: Consumer, topic: string, taken: ReadonlyMap<number, number>): Promise<void> {
  return consumer.commitOffsets(
    [...taken].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
  );
}
