import { createRequire } from "node:module";
import * as zlib from "node:zlib";
import type { Kafka, logCreator, RetryOptions } from "kafkajs";
// kafkajs is CommonJS with computed exports: its names are only on the default import.
import kafkajs from "kafkajs";
import type { KafkaSecurity } from "./security.ts";

/** kafkajs's one second is short for a laptop that is building something else. */
const CONNECTION_TIMEOUT_MS = 5_000;

/** What a log line of kafkajs is to us. */
export interface ClientLog {
  /** A broker does not answer. kafkajs says so for every attempt. */
  connectionFailed(reason: string): void;
  debug(line: string): void;
}

export interface ClientOptions {
  readonly bootstrapServers: readonly string[];
  readonly security: KafkaSecurity;
  readonly retry: RetryOptions;
  readonly log: ClientLog;
}

export function createKafka({ bootstrapServers, security, retry, log }: ClientOptions): Kafka {
  prepareKafkaJs();
  return new kafkajs.Kafka({
    clientId: "serverless-offline-kafka",
    brokers: [...bootstrapServers],
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    ...security,
    retry,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: createLogCreator(log),
  });
}

/** Prepares kafkajs, once a process: the zstd codec, and its request queue on today's Node. */
export function prepareKafkaJs(): void {
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  // The default chunk size of zlib is the fastest here.
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    compress: async (encoder: { buffer: Buffer }) => zlib.zstdCompressSync(encoder.buffer),
    decompress: async (buffer: Buffer) => zlib.zstdDecompressSync(buffer),
  });
  repairRequestQueue();
}

/**
 * kafkajs 2.2.4 sets a timer of `throttledUntil - now`, a large negative number when nothing is throttled, after every
 * response; since Node 24 each one prints a TimeoutNegativeWarning. The timer only matters while requests are pending, and
 * then kafkajs already makes its delay positive, so not setting it otherwise changes nothing else.
 *
 * A service around this plugin may need the same repair for its own clients (Tripline's shared/kafka/client.ts has it). That is no
 * copy to remove: the plugin stands on its own, and repairing twice does no harm.
 */
function repairRequestQueue(): void {
  const require = createRequire(import.meta.url);
  const { prototype } = require("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue };
  const original = prototype.scheduleCheckPendingRequests;
  if (prototype[REPAIRED]) return;
  prototype[REPAIRED] = true;
  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(this: RequestQueue): void {
    if (this.pending.length > 0) original.call(this);
  };
}

const REPAIRED = Symbol.for("serverless-offline-kafka.requestQueue");

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
  [REPAIRED]?: boolean;
}

/** What kafkajs says when it cannot reach a broker, as opposed to a broker that answers with an error. */
const CONNECTION_FAILED_PATTERN = /^(Connection (error|timeout)|Failed to connect)/;

/** kafkajs logs objects with stacks, one for every attempt; this makes each one line, and outages a matter of the source. */
export function createLogCreator(log: ClientLog): logCreator {
  return () => (entry) => {
    // Now and then kafkajs passes an error as the message.
    const message = String(entry.log.message);
    const error: unknown = entry.log["error"];
    const line = typeof error === "string" && error !== message ? `${message} (${error})` : message;
    if (CONNECTION_FAILED_PATTERN.test(message)) log.connectionFailed(message);
    log.debug(`kafkajs ${entry.namespace}: ${line}`.replaceAll(/\s*\n\s*/g, " | "));
  };
}
