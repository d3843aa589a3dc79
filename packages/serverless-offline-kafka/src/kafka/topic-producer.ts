import type { Producer } from "kafkajs";
import kafkajs from "kafkajs";
import type { TopicProducer } from "../destinations/destination.ts";
import type { ClientOptions } from "./kafka-client.ts";
import { createKafka } from "./kafka-client.ts";
import type { KafkaSecurity } from "./security.ts";

/** In-sync replicas, all of them: what was given up must be nowhere but there. */
const ACKS_ALL = -1;
/** Some 5 s in all; the mapping tries again, and says so. */
const RETRY = { initialRetryTime: 200, maxRetryTime: 2_000, retries: 4 };

export interface TopicProducerOptions extends Pick<ClientOptions, "bootstrapServers" | "log"> {
  readonly security: () => Promise<KafkaSecurity>;
}

/** Writes to the cluster that a mapping reads from. Connects when it is first needed. */
export function openTopicProducer({ bootstrapServers, log, security }: TopicProducerOptions): TopicProducer {
  let connected: Promise<Producer> | undefined;
  const connect = async (): Promise<Producer> => {
    const kafka = createKafka({ bootstrapServers, security: await security(), retry: RETRY, log });
    const producer = kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: RETRY,
    });
    await producer.connect();
    return producer;
  };
  return {
    async sendToTopic(topic, messages) {
      connected ??= connect();
      try {
        const producer = await connected;
        await producer.send({ topic, acks: ACKS_ALL, messages: messages.map(({ key, value }) => ({ key, value })) });
      } catch (error) {
        // A client that has failed may be of no use any more; the next attempt makes another.
        const failed = connected;
        connected = undefined;
        void failed.then((producer) => producer.disconnect()).catch(() => {});
        throw error;
      }
    },
    async close() {
      const producer = await connected?.catch(() => undefined);
      connected = undefined;
      await producer?.disconnect().catch(() => {});
    },
  };
}
