// What the broker and the queue have, read without the plugin.
import { DeleteMessageBatchCommand, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { Kafka, KafkaMessage } from "kafkajs";
import { uniqueName } from "../support/broker.ts";
import type { RecordValue } from "./plan.ts";
import type { Commit, Delivery, LogRecord } from "./trace.ts";

const OFFSETS_TOPIC = "__consumer_offsets";

/** Everything that a topic has now, by partition. */
export async function readTopic(kafka: Kafka, topic: string): Promise<ReadonlyMap<number, readonly KafkaMessage[]>> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic).finally(() => admin.disconnect());
  const found = new Map<number, KafkaMessage[]>(ends.map(({ partition }) => [partition, []]));
  const left = new Map(
    ends.filter(({ high, low }) => Number(high) > Number(low)).map(({ high, partition }) => [partition, Number(high)]),
  );
  if (left.size === 0) return found;

  const consumer = kafka.consumer({ groupId: uniqueName("reader"), maxWaitTimeInMs: 100 });
  const all = Promise.withResolvers<void>();
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      found.get(batch.partition)?.push(...batch.messages);
      if (Number(batch.lastOffset()) + 1 >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition);
      if (left.size === 0) all.resolve();
    },
  });
  await all.promise;
  await consumer.disconnect();
  return found;
}

export async function readLogs(kafka: Kafka, topic: string, filtered: boolean): Promise<Map<number, LogRecord[]>> {
  const logs = new Map<number, LogRecord[]>();
  for (const [partition, messages] of await readTopic(kafka, topic)) {
    const records = messages.map(({ offset, timestamp, value }) => {
      const { id, wanted } = JSON.parse(String(value)) as RecordValue;
      return { offset: Number(offset), timestampMs: Number(timestamp), id, wanted: wanted || !filtered };
    });
    logs.set(partition, records);
  }
  return logs;
}

/** Each commit of a group, not only the last one: the topic in which Kafka keeps them is not compacted so soon. */
export async function readCommits(kafka: Kafka, groupId: string, topic: string): Promise<Commit[]> {
  const messages = [...(await readTopic(kafka, OFFSETS_TOPIC)).values()].flat();
  return messages.flatMap(({ key, value }) => {
    if (key === null || value === null) return [];
    const at = decodeCommitKey(key);
    if (at === undefined || at.groupId !== groupId || at.topic !== topic) return [];
    return [{ partition: at.partition, ...decodeCommitValue(value) }];
  });
}

/** Versions of an offset commit's key; the others are of groups. */
const COMMIT_KEY_VERSION_MAX = 1;

/** OffsetCommitKey.json in Kafka's source: version, group, topic, partition. */
function decodeCommitKey(key: Buffer): { groupId: string; topic: string; partition: number } | undefined {
  if (key.readInt16BE(0) > COMMIT_KEY_VERSION_MAX) return undefined;
  const groupLength = key.readInt16BE(2);
  const topicAt = 4 + groupLength;
  const topicLength = key.readInt16BE(topicAt);
  return {
    groupId: key.toString("utf8", 4, topicAt),
    topic: key.toString("utf8", topicAt + 2, topicAt + 2 + topicLength),
    partition: key.readInt32BE(topicAt + 2 + topicLength),
  };
}

/** OffsetCommitValue.json in Kafka's source: version, offset, from 3 on leader epoch, metadata, time of the commit. */
function decodeCommitValue(value: Buffer): { offset: number; atMs: number } {
  const version = value.readInt16BE(0);
  const offset = Number(value.readBigInt64BE(2));
  const metadataAt = version >= 3 ? 14 : 10;
  // From version 4 on lengths are compact; ours has no metadata, whose compact length is a single byte.
  const timeAt = version >= 4 ? metadataAt + 1 : metadataAt + 2 + value.readInt16BE(metadataAt);
  return { offset, atMs: Number(value.readBigInt64BE(timeAt)) };
}

/** Kafka destinations have one message a record. The topic's time is the broker's. */
export async function readTopicDeliveries(kafka: Kafka, destination: string, source: string): Promise<Delivery[]> {
  const messages = [...(await readTopic(kafka, destination)).values()].flat();
  return messages.map(({ timestamp, value }) => {
    const { KafkaBatchInfo, payload, requestContext } = JSON.parse(String(value));
    const [key] = Object.keys(payload.records);
    const offset = Number(KafkaBatchInfo.recordInfo.offset);
    return {
      atMs: Number(timestamp),
      partition: partitionOf(String(key), source),
      firstOffset: offset,
      lastOffset: offset,
      condition: String(requestContext.condition),
    };
  });
}

/** Takes everything out of a queue. */
export async function readQueueDeliveries(sqs: SQSClient, queueUrl: string, source: string): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        VisibilityTimeout: 600,
        MessageSystemAttributeNames: ["SentTimestamp"],
      }),
    );
    if (Messages.length === 0) return deliveries;
    for (const { Attributes, Body } of Messages) {
      const { KafkaBatchInfo, requestContext } = JSON.parse(Body ?? "");
      for (const [key, info] of Object.entries<{ firstRecordOffset: string; lastRecordOffset: string }>(
        KafkaBatchInfo.recordsInfo,
      )) {
        deliveries.push({
          atMs: Number(Attributes?.SentTimestamp),
          partition: partitionOf(key, source),
          firstOffset: Number(info.firstRecordOffset),
          lastOffset: Number(info.lastRecordOffset),
          condition: String(requestContext.condition),
        });
      }
    }
    const entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
  }
}

function partitionOf(key: string, topic: string): number {
  return Number(key.slice(topic.length + 1));
}
