import type { Kafka } from "kafkajs";
import kafkajs from "kafkajs";
import { BrokerSilentError } from "../../../shared/kafka/brokers.ts";
import { DirectKafka, type TopicMetadata } from "../../../shared/kafka/direct.ts";
import { ConsoleError, unavailable } from "../http/errors.ts";

/** A message for a partition of a topic. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>;
}

export interface WrittenMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Writing may wait for replicas, and tries again by itself. */
const writeMsMax = 6_000;
const writeRetries = 1;

/** Kafka as the console's routes use it. It connects when first used, and again when the connection was lost. */
export class ConsoleKafka {
  readonly #kafka: Kafka;
  readonly #direct: DirectKafka;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#direct = new DirectKafka(kafka);
  }

  /** @throws {ConsoleError} UNAVAILABLE when Kafka does not answer, within some two seconds */
  async use<Result>(work: (direct: DirectKafka) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.#direct);
    } catch (error) {
      throw kafkaRefusal(error);
    }
  }

  /**
   * Writes messages, to be stored by all replicas that are in sync.
   *
   * @returns where each of them is, in their order
   */
  async write(messages: readonly OutgoingMessage[]): Promise<WrittenMessage[]> {
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: { retries: writeRetries },
    });
    const written = (async () => {
      await producer.connect();
      return producer.sendBatch({
        acks: -1,
        // As the connectors do: what fitted into the topic compressed need not fit as it is.
        compression: kafkajs.CompressionTypes.ZSTD,
        topicMessages: [...Map.groupBy(messages, ({ topic }) => topic)].map(([topic, own]) => ({
          topic,
          messages: own.map(({ partition, key, value, headers }) => ({
            partition,
            key,
            value,
            headers: { ...headers },
          })),
        })),
      });
    })();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new BrokerSilentError("nothing was acknowledged", writeMsMax)), writeMsMax);
    try {
      return placesOf(messages, await Promise.race([written, late]));
    } catch (error) {
      if (!(error instanceof BrokerSilentError)) throw kafkaRefusal(error);
      throw new ConsoleError(
        "UNAVAILABLE",
        "Kafka has not acknowledged it in time, so it may have been written: look at the end of its topic before you do it again.",
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
      producer.disconnect().catch(() => {});
    }
  }

  close(): Promise<void> {
    return this.#direct.close();
  }
}

/** Kafka names the offset of the first message of each partition; the others follow it. */
function placesOf(
  messages: readonly OutgoingMessage[],
  answers: readonly { readonly topicName: string; readonly partition: number; readonly baseOffset?: string }[],
): WrittenMessage[] {
  const next = new Map(
    answers.map(({ topicName, partition, baseOffset }) => [`${topicName}-${partition}`, Number(baseOffset)]),
  );
  return messages.map(({ topic, partition }) => {
    const offset = next.get(`${topic}-${partition}`) ?? Number.NaN;
    next.set(`${topic}-${partition}`, offset + 1);
    return { topic, partition, offset };
  });
}

/** What Kafka, or the way to it, has refused. Other errors are mistakes of this code, and stay what they are. */
function kafkaRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ConsoleError) return error;
  if (error.name === "KafkaJSNotImplemented") {
    return new ConsoleError(
      "CONFLICT",
      "The messages are compressed in a way that is not read here: gzip and zstd are.",
    );
  }
  if ("code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
    return new ConsoleError("CONFLICT", "A batch of messages is too large, decompressed, to be shown.");
  }
  const isOfKafka = error instanceof BrokerSilentError || error.name.startsWith("KafkaJS");
  return isOfKafka ? unavailable("Kafka", error) : error;
}

/** @throws {ConsoleError} NOT_FOUND */
export async function findTopic(direct: DirectKafka, name: string): Promise<TopicMetadata> {
  const [topic] = await direct.topics([name]);
  if (topic === undefined) throw new ConsoleError("NOT_FOUND", `There is no topic '${name}'.`);
  return topic;
}
