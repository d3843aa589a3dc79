import { createReadStream } from "node:fs";
import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import { until } from "../localstack/stack/processes.ts";
import type { Settings } from "../localstack/stack/settings.ts";
import { BulkProducer } from "./bulk-producer.ts";
import { messageKey, messageValue, partitionOf, TransactionStream } from "./change-events.ts";
import { BenchError } from "./errors.ts";

/** As many as public.transactions has in Kafka. */
const partitions = 8;

/** A busy machine takes seconds for what is usually done at once. */
const leaderMsMax = 30_000;

/**
 * A topic that was filled once.
 *
 * It is not compressed: the connector of the stack writes zstd, which every contestant can read, but kafka-python only with
 * another package. What is measured is then the work with the records alone, the same for all.
 */
export interface Topic {
  readonly name: string;
  readonly records: number;
  readonly seed: number;
  readonly partitions: number;
}

/** A change of change-events.ts that changes the bytes gets another number, so that no old topic is taken for a new one. */
const contentVersion = 1;

/** The topic of so many records, filled now if no earlier run has done it. */
export async function filledTopic(
  settings: Settings,
  kafka: Kafka,
  {
    records,
    seed,
    signal,
    progress,
  }: { records: number; seed: number; signal: AbortSignal; progress: (done: number) => void },
): Promise<Topic & { filledPerSecond: number | undefined }> {
  const name = `bench.public.transactions.v${contentVersion}.seed${seed}.${records}`;
  const topic: Topic = { name, records, seed, partitions };
  const admin = kafka.admin();
  await admin.connect();
  try {
    const exists = (await admin.listTopics()).includes(name);
    if (exists && (await readFilled(settings)).includes(name)) return { ...topic, filledPerSecond: undefined };
    // A topic that is not noted down was left half filled.
    if (exists) await deleteTopics(admin, [name]);
    await createTopic(admin, name, partitions);
    const startedMs = performance.now();
    await fill(settings, topic, signal, progress);
    await writeFilled(settings, [...(await readFilled(settings)), name]);
    return { ...topic, filledPerSecond: Math.round((records * 1000) / (performance.now() - startedMs)) };
  } finally {
    await admin.disconnect();
  }
}

export async function createTopic(admin: Admin, name: string, numPartitions: number): Promise<void> {
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic: name,
        numPartitions,
        replicationFactor: 1,
        configEntries: [{ name: "retention.ms", value: "-1" }],
      },
    ],
  });
  // A broker may name itself the leader of a partition a moment before it is one. Then it can say where the partition ends.
  const leads = () =>
    admin.fetchTopicOffsets(name).then(
      () => true,
      () => false,
    );
  if (!(await until(leads, leaderMsMax))) {
    throw new BenchError(
      "START_FAILED",
      `Topic ${name} has no leader after ${leaderMsMax / 1000} s: see the broker's log.`,
    );
  }
}

export async function deleteTopics(admin: Admin, names: readonly string[]): Promise<void> {
  if (names.length > 0) await admin.deleteTopics({ topics: [...names] });
}

async function fill(
  settings: Settings,
  { name, records, seed }: Topic,
  signal: AbortSignal,
  progress: (done: number) => void,
): Promise<void> {
  const producer = await BulkProducer.open(settings.bootstrapServers, name, partitions);
  const stream = new TransactionStream(seed);
  for (let done = 0; done < records; done += 1) {
    stream.next();
    const room = producer.append(partitionOf(stream.userId, partitions), messageKey(stream), messageValue(stream));
    if (room === undefined) continue;
    await room;
    signal.throwIfAborted();
    progress(done);
  }
  await producer.close();
}

const filledFile = (settings: Settings) => join(settings.home, "filled-topics.json");

async function readFilled(settings: Settings): Promise<string[]> {
  const text = await readFile(filledFile(settings), "utf8").catch(() => "[]");
  return JSON.parse(text) as string[];
}

async function writeFilled(settings: Settings, names: readonly string[]): Promise<void> {
  const file = filledFile(settings);
  await writeFile(`${file}.new`, `${JSON.stringify(names)}\n`);
  await rename(`${file}.new`, file);
}

/** What a broker that was just started is made to hand out before anything is measured. */
const warmUpRecordsMax = 500_000;

/**
 * Reads the topic, or enough of it, through the broker: Java compiles what is used often, and the first contestant would be the
 * one that waits for it.
 */
export async function warmUpBroker(kafka: Kafka, { name, records }: Topic, signal: AbortSignal): Promise<void> {
  const groupId = `warm-up-${Date.now()}`;
  const consumer = kafka.consumer({ groupId });
  await consumer.connect();
  await consumer.subscribe({ topics: [name], fromBeginning: true });
  const enough = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => enough.resolve());
  let read = 0;
  await consumer.run({
    eachBatch: async ({ batch }) => {
      read += batch.messages.length;
      if (read >= Math.min(records, warmUpRecordsMax)) enough.resolve();
    },
  });
  await enough.promise;
  await consumer.disconnect();
}

/** Reads the topic's files, so that no contestant is the one that waits for the disk. Returns their bytes. */
export async function readIntoMemory(settings: Settings, { name }: Topic): Promise<number> {
  const data = join(settings.home, "kafka", "data");
  let bytes = 0;
  for (const folder of (await readdir(data)).filter((each) => each.startsWith(`${name}-`))) {
    for (const file of (await readdir(join(data, folder))).filter((each) => each.endsWith(".log"))) {
      for await (const chunk of createReadStream(join(data, folder, file), { highWaterMark: 4 * 1024 * 1024 })) {
        bytes += (chunk as Buffer).length;
      }
    }
  }
  return bytes;
}
