import kafkajs from "kafkajs";
import type { Kafka, LogEntry } from "kafkajs";

/** CommonJS: its values are on the default export. */
const { Kafka: KafkaClient, logLevel } = kafkajs;

export interface KafkaOptions {
  /** host:port, comma-separated. */
  bootstrapServers: string;
  clientId: string;
  /** How often a request is tried again before it fails. */
  retries?: number;
  /** Gets warnings and errors, one line each; silent where it is not given. */
  onLog?: (level: "warn" | "error", message: string) => void;
}

/** A Kafka client for administration and for tools; the functions themselves get their records from Lambda. */
export function connectKafka({ bootstrapServers, clientId, retries = 5, onLog }: KafkaOptions): Kafka {
  return new KafkaClient({
    clientId,
    brokers: bootstrapServers.split(","),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: onLog ? logLevel.WARN : logLevel.NOTHING,
    logCreator: () => (entry: LogEntry) =>
      onLog?.(entry.level === logLevel.ERROR ? "error" : "warn", `${entry.namespace}: ${entry.log.message}`),
  });
}
