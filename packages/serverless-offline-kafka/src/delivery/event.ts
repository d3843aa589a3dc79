import type { SchemaMetadata } from "../registry/schema.ts";

/** A record as AWS Lambda shows it to the function. Offsets, partitions and timestamps (ms) are numbers. */
export interface EventRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly timestampType: "CREATE_TIME" | "LOG_APPEND_TIME";
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: ReadonlyArray<Readonly<Record<string, readonly number[]>>>;
  /** With a schema registry, for what it was asked about. */
  readonly keySchemaMetadata?: SchemaMetadata;
  readonly valueSchemaMetadata?: SchemaMetadata;
}

/** The invocation payload of a Kafka event source mapping [with-msk, with-kafka]. */
export interface MappingEvent {
  readonly eventSource: "aws:kafka" | "SelfManagedKafka";
  /** Only Amazon MSK has one. */
  readonly eventSourceArn?: string;
  readonly bootstrapServers: string;
  readonly records: Readonly<Record<string, readonly EventRecord[]>>;
}

/** What every event of one mapping has in common. */
export type EventEnvelope = Omit<MappingEvent, "records">;

type HeaderValue = Buffer | string | undefined;

/** A record as kafkajs gives it: offset and timestamp (ms) are decimal numbers as text. */
export interface SourceRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** A name that repeats has a list. */
  readonly headers?: { readonly [name: string]: HeaderValue | readonly HeaderValue[] } | undefined;
}

/** kafkajs's number for it, in protocol/timestampTypes.js. */
const LOG_APPEND_TIME = 1;

/** The name of a partition in an event and in `batchItemFailures`. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Turns a Kafka record into the event's shape. A header without a value (AWS does not say) becomes an empty list. */
export function toEventRecord(topic: string, partition: number, record: SourceRecord): EventRecord {
  // kafkajs has it and does not declare it.
  const { batchContext } = record as { readonly batchContext?: { readonly timestampType?: number } };
  return {
    topic,
    partition,
    offset: Number(record.offset),
    timestamp: Number(record.timestamp),
    timestampType: batchContext?.timestampType === LOG_APPEND_TIME ? "LOG_APPEND_TIME" : "CREATE_TIME",
    key: record.key === null ? null : record.key.toString("base64"),
    value: record.value === null ? null : record.value.toString("base64"),
    headers: toEventHeaders(record.headers),
  };
}

function toEventHeaders(headers: SourceRecord["headers"]): EventRecord["headers"] {
  const list: Record<string, readonly number[]>[] = [];
  for (const name in headers) {
    const values = headers[name];
    for (const value of Array.isArray(values) ? (values as readonly HeaderValue[]) : [values as HeaderValue]) {
      list.push({ [name]: value === undefined || value === null ? [] : [...Buffer.from(value)] });
    }
  }
  return list;
}

/** Puts slices of partitions into one event, in the order of AWS's examples. */
export function buildEvent(
  envelope: EventEnvelope,
  slices: Iterable<{ readonly key: string; readonly records: readonly EventRecord[] }>,
): MappingEvent {
  const records: Record<string, readonly EventRecord[]> = {};
  for (const slice of slices) records[slice.key] = slice.records;
  return { ...envelope, records };
}

const utf8Bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Bytes of the event's JSON without any partition. */
export function envelopeBytes(envelope: EventEnvelope): number {
  return utf8Bytes({ ...envelope, records: {} });
}

/** Bytes one more partition adds to the event's JSON: `"topic-0":[],`. The last one has no comma: an upper bound by 1. */
export function partitionBytes(key: string): number {
  return utf8Bytes(key) + ":[],".length;
}

/** A record's JSON with every value empty, and the comma after it: an upper bound by 1 for the last of a partition. */
const RECORD_SKELETON_BYTES =
  '{"topic":,"partition":,"offset":,"timestamp":,"timestampType":,"key":,"value":,"headers":[]},'.length;

/**
 * Bytes a record adds to the event's JSON, reckoned from its parts: a large payload is then never serialised just to be
 * weighed. Base64, numbers and the timestamp types need no JSON escapes, and a topic's name allows none.
 */
export function recordBytes(record: EventRecord): number {
  let bytes = RECORD_SKELETON_BYTES + record.topic.length + record.timestampType.length + 4;
  bytes += digits(record.partition) + digits(record.offset) + digits(record.timestamp);
  bytes += record.key === null ? 4 : record.key.length + 2;
  bytes += record.value === null ? 4 : record.value.length + 2;
  for (const header of record.headers) bytes += utf8Bytes(header) + 1;
  if (record.headers.length > 0) bytes -= 1;
  if (record.keySchemaMetadata !== undefined) bytes += metadataBytes("keySchemaMetadata", record.keySchemaMetadata);
  if (record.valueSchemaMetadata !== undefined) {
    bytes += metadataBytes("valueSchemaMetadata", record.valueSchemaMetadata);
  }
  return bytes;
}

/** `,"name":{…}` */
function metadataBytes(name: string, metadata: SchemaMetadata): number {
  return name.length + 4 + utf8Bytes(metadata);
}

/** Characters of a whole number in JSON, without making its text. */
function digits(value: number): number {
  if (value < 0) return String(value).length;
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  return count;
}
