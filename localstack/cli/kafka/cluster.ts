import type { Admin, Kafka } from "kafkajs";
import { connectKafka } from "../../../shared/kafka/client.ts";
import { reasonOf, StackError } from "../../stack/errors.ts";
import { readSettings } from "../../stack/settings.ts";

export interface ServerOption {
  /** Another broker than the stack's. */
  readonly bootstrapServer?: string;
}

/** What a short form works with. */
export interface Cluster {
  readonly kafka: Kafka;
  readonly admin: Admin;
}

/** Connects to the stack's broker, or to another one, for as long as `work` takes. */
export async function withCluster<Result>(
  { bootstrapServer }: ServerOption,
  work: (cluster: Cluster) => Promise<Result>,
): Promise<Result> {
  const bootstrapServers = bootstrapServer ?? readSettings().bootstrapServers;
  if (!bootstrapServers.split(",").every((each) => /^\S+:\d+$/.test(each))) {
    throw new StackError(
      "USAGE",
      `--bootstrap-server takes host:port, such as localhost:9092, not '${bootstrapServers}'.`,
    );
  }
  const kafka = connectKafka({ bootstrapServers, clientId: "tripline-cli", retries: 1 });
  const admin = kafka.admin();
  try {
    await admin.connect();
  } catch (cause) {
    const help = bootstrapServer === undefined ? ": 'npx tripline up' starts the stack" : `: ${reasonOf(cause)}`;
    throw new StackError("NOT_RUNNING", `No Kafka broker answers at ${bootstrapServers}${help}.`, { cause });
  }
  try {
    return await work({ kafka, admin });
  } finally {
    await admin.disconnect();
  }
}

export interface PartitionRange {
  readonly partition: number;
  /** The first offset that is still there, and the one that the next record will get. */
  readonly low: number;
  readonly high: number;
}

/** @throws {StackError} USAGE, with names that are like it, when there is no such topic */
export async function requireTopic(admin: Admin, topic: string): Promise<void> {
  const names = await admin.listTopics();
  if (!names.includes(topic)) {
    const words = topic.toLowerCase().split(/[^a-z0-9]+/);
    const alike = names.filter((name) => words.some((word) => word.length > 2 && name.toLowerCase().includes(word)));
    const help = alike.length > 0 ? `Did you mean ${alike.join(" or ")}?` : "'npx tripline kafka topics' lists them.";
    throw new StackError("USAGE", `There is no topic '${topic}'. ${help}`);
  }
}

export async function rangesOf(admin: Admin, topic: string): Promise<PartitionRange[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}
