import { randomUUID } from "node:crypto";
import type { Admin, Kafka } from "kafkajs";
import type { MappingConfig } from "../config/types.ts";
import type { MappingLog } from "../delivery/contract.ts";
import type { EventRecord, MappingEvent, SourceRecord } from "../delivery/event.ts";
import { buildEvent, eventBytes, partitionKey, toEventRecord } from "../delivery/event.ts";
import type { TakeIn } from "../delivery/intake.ts";
import { PAYLOAD_BYTES_MAX } from "../delivery/mapping.ts";
import { withDeadline } from "../destinations/deadline.ts";
import { MappingError } from "../errors.ts";
import { createKafka } from "../kafka/kafka-client.ts";
import { securityOf, takeInOf } from "../open-mapping.ts";
import type { Stretch } from "./topic-reader.ts";
import { readStretches } from "./topic-reader.ts";

/** What AWS takes in a batch. */
export const SAMPLE_RECORDS_MAX = 10_000;
/** Where filters leave records out, this many of a partition are looked at for those that they do not. */
const SCANNED_RECORDS_MAX = 10_000;
/** Connecting, joining a group (3 s by the defaults of a broker) and reading. */
const SAMPLE_MS_MAX = 60_000;
const RETRY = { initialRetryTime: 200, retries: 3 };

/** What of a mapping matters for what an event looks like. */
export type SampleSource = Pick<
  MappingConfig,
  "topic" | "bootstrapServers" | "access" | "tls" | "filterPatterns" | "schemaRegistry" | "envelope"
> & { readonly batchSize?: number };

export interface SampleRequest {
  readonly count: number;
  /** undefined: all of the topic. */
  readonly partition: number | undefined;
  /** Of the first record, in `partition`; undefined for the last `count` records. */
  readonly offset: number | undefined;
}

export interface SampleHost {
  readonly region: string;
  /** For what is said about the event; nothing of it goes to the standard output. */
  readonly log: MappingLog & { debug(line: string): void };
}

/**
 * Makes of real records the event that a mapping would invoke its function with: decoded, filtered, in the same shape.
 *
 * @throws MappingError SOK_SAMPLE_FAILED when there is no such record
 */
export async function sampleEvent(
  source: SampleSource,
  request: SampleRequest,
  host: SampleHost,
): Promise<MappingEvent> {
  try {
    return await withDeadline(SAMPLE_MS_MAX, (signal) => sample(source, request, host, signal));
  } catch (error) {
    if (error instanceof MappingError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw failed(`${source.topic} at ${source.bootstrapServers.join(",")}: ${reason}`, error);
  }
}

async function sample(
  source: SampleSource,
  request: SampleRequest,
  host: SampleHost,
  signal: AbortSignal,
): Promise<MappingEvent> {
  const { envelope, topic } = source;
  const kafka = await connect(source, host);
  const sampler = new Sampler(source, request, host, signal);
  const stretches = await withAdmin(kafka, (admin) => findStretches(admin, source, request));
  // The group's name begins with the topic's, for brokers that allow names by their prefix.
  const groupId = `${topic}-sample-${randomUUID()}`;
  try {
    await readStretches(kafka, { topic, groupId, stretches, signal }, (partition, records) =>
      sampler.take(partition, records),
    );
  } finally {
    await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch((error: unknown) =>
      host.log.debug(`group ${groupId} is left to the broker: ${String(error)}`),
    );
  }
  const slices = sampler.slices();
  if (slices.length === 0) throw failed(`${topic} has no record ${describe(source, request, stretches)}`);
  const event = buildEvent(envelope, slices);
  const bytes = eventBytes(event);
  if (bytes > PAYLOAD_BYTES_MAX) {
    host.log.warning(`the event has ${bytes} bytes; Lambda takes ${PAYLOAD_BYTES_MAX} at the most: lower --count`);
  }
  return event;
}

async function connect(source: SampleSource, { log, region }: SampleHost): Promise<Kafka> {
  const { bootstrapServers, topic } = source;
  const security = await securityOf(source, { region, log, name: topic })();
  const debug = (line: string) => log.debug(line);
  return createKafka({ bootstrapServers, security, retry: RETRY, log: { connectionFailed: debug, debug } });
}

async function withAdmin<Result>(kafka: Kafka, work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = kafka.admin({ retry: RETRY });
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

async function findStretches(
  admin: Admin,
  { filterPatterns, topic }: SampleSource,
  { count, offset, partition }: SampleRequest,
): Promise<readonly Stretch[]> {
  // Asking for the offsets of a topic that is not there would make it, on a broker that makes topics by itself.
  const topics = await admin.listTopics();
  if (!topics.includes(topic))
    throw failed(`there is no topic ${topic}; there are ${topics.sort().join(", ") || "none"}`);
  const all = await admin.fetchTopicOffsets(topic);
  const wanted = partition === undefined ? all : all.filter((one) => one.partition === partition);
  if (wanted.length === 0) throw failed(`${topic} has no partition ${partition}; it has ${all.length}`);
  if (offset !== undefined && wanted.length > 1) {
    throw failed(`${topic} has ${wanted.length} partitions; say by --partition which one the offset is of`);
  }
  const scanned = filterPatterns.length === 0 ? count : Math.max(count, SCANNED_RECORDS_MAX);
  return wanted.map(({ high, low, partition: index }) => {
    const [first, end] = [Number(low), Number(high)];
    const from = offset ?? Math.max(first, end - scanned);
    if (offset !== undefined && (offset < first || offset >= end)) {
      throw failed(
        `partition ${index} of ${topic} has no offset ${offset}; ${first === end ? "it is empty" : `it has ${first} to ${end - 1}`}`,
      );
    }
    return { partition: index, from, to: offset === undefined ? end : Math.min(end, offset + scanned) };
  });
}

function describe(
  { filterPatterns, topic }: SampleSource,
  { partition }: SampleRequest,
  stretches: readonly Stretch[],
) {
  const where = partition === undefined ? "" : `in partition ${partition} `;
  const looked = stretches.map(({ from, partition: index, to }) => `${partitionKey(topic, index)} ${from} to ${to}`);
  return filterPatterns.length === 0
    ? `${where}to show`
    : `${where}that the filters let through (${looked.join(", ")})`;
}

function failed(message: string, cause?: unknown): MappingError {
  return new MappingError("SOK_SAMPLE_FAILED", message, { cause });
}

/** Keeps the records that an event gets, of each partition no more than it could get. */
class Sampler {
  readonly #source: SampleSource;
  readonly #request: SampleRequest;
  readonly #log: MappingLog;
  readonly #signal: AbortSignal;
  readonly #takeIn: TakeIn;
  readonly #kept = new Map<number, readonly SourceRecord[]>();

  constructor(source: SampleSource, request: SampleRequest, { log, region }: SampleHost, signal: AbortSignal) {
    this.#source = source;
    this.#request = request;
    this.#log = log;
    this.#signal = signal;
    this.#takeIn = takeInOf(source, { region, log, name: source.topic });
  }

  /** Results in whether the partition could still give another record. */
  async take(partition: number, polled: readonly SourceRecord[]): Promise<boolean> {
    const { count, offset } = this.#request;
    const { topic } = this.#source;
    const { records, rejected } = await this.#takeIn({ topic, partition }, polled, () => !this.#signal.aborted);
    for (const [rejectedOffset, error] of rejected) {
      const key = partitionKey(topic, partition);
      this.#log.warning(
        `${key} offset ${rejectedOffset} is left out, it reaches no function: ${error.code}: ${error.message}`,
      );
    }
    const kept = (this.#kept.get(partition) ?? []).concat(records.filter((record) => !rejected.has(record.offset)));
    this.#kept.set(partition, offset === undefined ? kept.slice(-count) : kept.slice(0, count));
    return offset === undefined || kept.length < count;
  }

  /** Of several partitions, the latest records by their timestamps. */
  slices(): ReadonlyArray<{ readonly key: string; readonly records: readonly EventRecord[] }> {
    const { topic } = this.#source;
    const { count } = this.#request;
    const queues = [...this.#kept]
      .sort(([a], [b]) => a - b)
      .map(([partition, records]) => ({ partition, records: [...records] }));
    let surplus = queues.reduce((sum, { records }) => sum + records.length, 0) - count;
    for (; surplus > 0; surplus -= 1) oldest(queues)?.records.shift();
    return queues
      .filter(({ records }) => records.length > 0)
      .map(({ partition, records }) => ({
        key: partitionKey(topic, partition),
        records: records.map((record) => toEventRecord(topic, partition, record)),
      }));
  }
}

/** The partition whose first record is the oldest: taken from the front, what is left of a partition has no gap. */
function oldest<Queue extends { readonly records: readonly SourceRecord[] }>(
  queues: readonly Queue[],
): Queue | undefined {
  const time = ({ records }: Queue) => records[0]?.timestamp ?? Number.POSITIVE_INFINITY;
  return queues.reduce<Queue | undefined>(
    (best, one) => (best === undefined || time(one) < time(best) ? one : best),
    undefined,
  );
}
