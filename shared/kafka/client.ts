import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { Kafka, LogEntry } from "kafkajs";
import kafkajs from "kafkajs";
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/** CommonJS: its values are on the default export. */
const { CompressionCodecs, CompressionTypes, Kafka: KafkaClient, logLevel } = kafkajs;

export interface KafkaOptions {
  /** host:port, comma-separated. */
  bootstrapServers: string;
  clientId: string;
  /** As the role of the function, encrypted: what MSK asks for. Left out, nobody signs in and nothing is encrypted. */
  authentication?: "iam";
  /** How often a request is tried again before it fails. */
  retries?: number;
  /** Gets warnings and errors, one line each; silent where it is not given. */
  onLog?: (level: "warn" | "error", message: string) => void;
}

/**
 * kafkajs 2.2.4 sets a timer after every response, to look whether throttled requests may go out: to when throttling
 * ends, which without throttling is a time long past. Node 24 warns of each such delay (TimeoutNegativeWarning). Without
 * pending requests there is nothing to look for, and with some of them kafkajs makes the delay positive itself.
 *
 * packages/serverless-offline-kafka has the same repair, on purpose: it imports nothing of ours and we nothing of its insides.
 */
function quietRequestQueue(): void {
  const { prototype } = RequestQueue;
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
quietRequestQueue();

/** A batch of the connectors has 1 MB compressed, 15 MB as it is. Zeros shrink many thousandfold: one small record must not take all memory. */
const decompressedBytesMax = 64 * 1_024 * 1_024;

/** The connectors compress with zstd, for which kafkajs has a name and Node the code. */
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => zstdCompressSync(buffer),
  decompress: async (buffer: Buffer) => zstdDecompressSync(buffer, { maxOutputLength: decompressedBytesMax }),
});

/** A Kafka client for administration, for tools and for the console; the other functions get their records from Lambda. */
export function connectKafka({ bootstrapServers, clientId, authentication, retries = 5, onLog }: KafkaOptions): Kafka {
  return new KafkaClient({
    clientId,
    brokers: bootstrapServers.split(","),
    ...(authentication === "iam"
      ? {
          ssl: true,
          sasl: { mechanism: "oauthbearer", oauthBearerProvider: async () => ({ value: await iamToken() }) },
        }
      : {}),
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries, initialRetryTime: 100, maxRetryTime: 2_000 },
    logLevel: onLog ? logLevel.WARN : logLevel.NOTHING,
    logCreator: () => (entry: LogEntry) =>
      onLog?.(entry.level === logLevel.ERROR ? "error" : "warn", `${entry.namespace}: ${entry.log.message}`),
  });
}

/** Loaded when the first connection is opened: on a laptop it never is. */
async function iamToken(): Promise<string> {
  const { mskToken } = await import("../aws/msk-token.ts");
  return mskToken();
}
