import type { Kafka } from "kafkajs";
import { type Topic, topics } from "./topics.ts";

/** The topics of the cluster are not those that were declared, and to change them is not to be done in passing. */
export class TopicError extends Error {
  readonly code = "TOPICS_DIFFER";

  constructor(message: string) {
    super(message);
    this.name = "TopicError";
  }
}

/** The cluster's default.replication.factor: 1 on a laptop, 3 on MSK. */
const replicationOfTheCluster = -1;

/**
 * Makes the topics that are missing. May run again and again.
 *
 * @throws {TopicError} when a topic has another number of partitions than declared
 */
export async function declareTopics(kafka: Kafka, log: (line: string) => void): Promise<void> {
  const declared: readonly Topic[] = Object.values(topics);
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = declared.filter((topic) => !existing.has(topic.name));
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map((topic) => ({
        topic: topic.name,
        numPartitions: topic.partitions,
        replicationFactor: replicationOfTheCluster,
        configEntries: Object.entries(topic.config ?? {}).map(([name, value]) => ({ name, value })),
      })),
    });
    for (const topic of missing) log(`topic ${topic.name}: created, partitions: ${topic.partitions}`);
    const present = declared.filter((topic) => existing.has(topic.name));
    const metadata = await admin.fetchTopicMetadata({ topics: present.map((topic) => topic.name) });
    for (const { name, partitions } of metadata.topics) {
      const topic = present.find((one) => one.name === name);
      if (topic === undefined || partitions.length === topic.partitions) continue;
      // A user's history would be in one partition and its next transaction in another.
      throw new TopicError(
        `Topic ${name} has ${partitions.length} partitions and shared/kafka/topics.ts says ${topic.partitions}. Changing it moves users between partitions.`,
      );
    }
  } finally {
    await admin.disconnect();
  }
}
