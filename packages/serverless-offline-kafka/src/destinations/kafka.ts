import { Lazy, reasonOf } from "./aws-sdk.ts";
import type { Channel } from "./channel.ts";
import { type RecordMessage, recordMessages, type TopicMessage } from "./invocation-record.ts";

/** Writes to the cluster that the mapping reads from. */
export interface TopicProducer {
  /** Resolves when all in-sync replicas have the messages; keeps their order within a partition. */
  sendToTopic(topic: string, messages: readonly TopicMessage[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * A producer that is left while it tries again writes its messages a second time beside the next attempt: so this waits
 * as long as kafkajs may take to give up, and is there only for what would never end.
 */
const SEND_MS_MAX = 60_000;

/**
 * What is sent at once. kafkajs puts all messages for a partition into one record batch, and a broker's
 * `message.max.bytes` (1,048,588) is for the batch: 6 MB of small records in one call would never get through.
 */
const SEND_BYTES_MAX = 900_000;

/** Sends one message for each record to a topic in the cluster of the source [kafka-on-failure-destination]. */
export function openTopic(topic: string, connect: () => TopicProducer): Channel {
  const producer = new Lazy(async () => connect());

  return {
    name: `kafka://${topic}`,
    limitMs: () => SEND_MS_MAX,
    explain: (error) => explain(topic, error),
    async send(batch, signal) {
      const open = await producer.get();
      let count = 0;
      for (const messages of chunks(recordMessages(batch))) {
        signal.throwIfAborted();
        try {
          await open.sendToTopic(
            topic,
            messages.map(({ key, value }) => ({ key, value })),
          );
        } catch (cause) {
          throw new ChunkError(messages, cause);
        }
        count += messages.length;
      }
      return `${count} messages`;
    },
    close: () => producer.end((open) => open.close()),
  };
}

/** Messages that were refused, some of them or all. */
class ChunkError extends Error {
  readonly messages: readonly RecordMessage[];

  constructor(messages: readonly RecordMessage[], cause: unknown) {
    super(reasonOf(cause), { cause });
    this.messages = messages;
  }
}

/** Messages in their order, in runs that fit into one record batch; one that does not is alone. */
export function* chunks(messages: Iterable<RecordMessage>): Generator<readonly RecordMessage[]> {
  let chunk: RecordMessage[] = [];
  let chunkBytes = 0;
  for (const message of messages) {
    const bytes = messageBytes(message);
    if (chunk.length > 0 && chunkBytes + bytes > SEND_BYTES_MAX) {
      yield chunk;
      chunk = [];
      chunkBytes = 0;
    }
    chunk.push(message);
    chunkBytes += bytes;
  }
  if (chunk.length > 0) yield chunk;
}

/** Lengths, offset and timestamp of a record in a batch of format 2 take less than this. */
const RECORD_OVERHEAD_BYTES = 70;

function messageBytes({ key, value }: TopicMessage): number {
  return Buffer.byteLength(value) + (key?.length ?? 0) + RECORD_OVERHEAD_BYTES;
}

/** Kafka's names for a refusal because of size: of a record batch, and of a request. */
const TOO_LARGE: readonly unknown[] = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"];

function explain(topic: string, error: unknown): string {
  if (!(error instanceof ChunkError)) return reasonOf(error);
  const type = protocolErrorType(error.cause);
  const [first] = error.messages;
  if (TOO_LARGE.includes(type) && first !== undefined) {
    const bytes = error.messages.reduce((sum, message) => sum + messageBytes(message), 0);
    return (
      `${bytes} bytes from ${first.partitionKey}, offset ${first.offset}, are more than the topic takes ` +
      `(raise its max.message.bytes: a record is a third larger here, and has its metadata with it)`
    );
  }
  if (type === "UNKNOWN_TOPIC_OR_PARTITION") return `the topic ${topic} does not exist (create it)`;
  return error.message;
}

/** kafkajs wraps the broker's answer, now and then more than once. */
function protocolErrorType(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  return "type" in error ? error.type : protocolErrorType(error.cause);
}
