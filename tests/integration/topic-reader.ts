import type { Consumer, KafkaMessage } from "kafkajs";
import { connectKafka } from "../../shared/kafka/client.ts";

/** Gives each record of a topic to `onRecord`, from the first one on, until it is stopped. */
export class TopicReader {
  readonly #consumer: Consumer;
  readonly #topic: string;
  readonly #onRecord: (partition: number, message: KafkaMessage) => void;

  constructor(bootstrapServers: string, topic: string, onRecord: (partition: number, message: KafkaMessage) => void) {
    this.#topic = topic;
    this.#onRecord = onRecord;
    this.#consumer = connectKafka({ bootstrapServers, clientId: "tripline-test" }).consumer({
      groupId: `test-reader-${topic}`,
      maxWaitTimeInMs: 100,
    });
  }

  async start(): Promise<void> {
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic: this.#topic, fromBeginning: true });
    await this.#consumer.run({
      eachBatch: async ({ batch }) => {
        for (const message of batch.messages) this.#onRecord(batch.partition, message);
      },
    });
  }

  async stop(): Promise<void> {
    await this.#consumer.disconnect();
  }
}
