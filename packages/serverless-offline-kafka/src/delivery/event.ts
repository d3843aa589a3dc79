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

/** A record as it comes from Kafka. Key and value stay in the buffer that they came in: most are needed as base64 only. */
export interface SourceRecord {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly logAppendTime: boolean;
  readonly bytes: Buffer;
  /** Where key and value are in `bytes`. A start of -1 is null. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** In the order of the record; a name may repeat. */
  readonly headers: ReadonlyArray<readonly [name: string, value: Buffer | null]>;
  /** Where a schema registry was asked; key and value are then what it made of them. */
  readonly keySchemaMetadata: SchemaMetadata | undefined;
  readonly valueSchemaMetadata: SchemaMetadata | undefined;
}

/** A record of parts that are not in one buffer yet. */
export interface RecordParts extends Pick<SourceRecord, "offset" | "timestamp"> {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly logAppendTime?: boolean;
  readonly headers?: SourceRecord["headers"];
  readonly keySchemaMetadata?: SchemaMetadata | undefined;
  readonly valueSchemaMetadata?: SchemaMetadata | undefined;
}

const EMPTY = Buffer.alloc(0);

export function packRecord({ offset, timestamp, key, value, ...rest }: RecordParts): SourceRecord {
  const keyEnd = key?.length ?? 0;
  return {
    offset,
    timestamp,
    logAppendTime: rest.logAppendTime ?? false,
    bytes: key === null && value !== null ? value : Buffer.concat([key ?? EMPTY, value ?? EMPTY]),
    keyStart: key === null ? -1 : 0,
    keyEnd,
    valueStart: value === null ? -1 : keyEnd,
    valueEnd: keyEnd + (value?.length ?? 0),
    headers: rest.headers ?? [],
    keySchemaMetadata: rest.keySchemaMetadata,
    valueSchemaMetadata: rest.valueSchemaMetadata,
  };
}

export function recordKey({ bytes, keyStart, keyEnd }: SourceRecord): Buffer | null {
  return keyStart < 0 ? null : bytes.subarray(keyStart, keyEnd);
}

export function recordValue({ bytes, valueStart, valueEnd }: SourceRecord): Buffer | null {
  return valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd);
}

/** The name of a partition in an event and in `batchItemFailures`. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Turns a Kafka record into the event's shape. A header without a value (AWS does not say) becomes an empty list. */
export function toEventRecord(topic: string, partition: number, record: SourceRecord): EventRecord {
  const { bytes, headers, keySchemaMetadata, keyStart, valueSchemaMetadata, valueStart } = record;
  const eventRecord: EventRecord = {
    topic,
    partition,
    offset: record.offset,
    timestamp: record.timestamp,
    timestampType: record.logAppendTime ? "LOG_APPEND_TIME" : "CREATE_TIME",
    key: keyStart < 0 ? null : bytes.toString("base64", keyStart, record.keyEnd),
    value: valueStart < 0 ? null : bytes.toString("base64", valueStart, record.valueEnd),
    headers: headers.length === 0 ? [] : headers.map(toEventHeader),
  };
  if (keySchemaMetadata === undefined && valueSchemaMetadata === undefined) return eventRecord;
  return {
    ...eventRecord,
    ...(keySchemaMetadata && { keySchemaMetadata }),
    ...(valueSchemaMetadata && { valueSchemaMetadata }),
  };
}

function toEventHeader([name, value]: SourceRecord["headers"][number]): EventRecord["headers"][number] {
  return { [name]: value === null ? [] : [...value] };
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

/** Bytes of an event as an invocation payload. */
export function eventBytes(event: MappingEvent): number {
  return utf8Bytes(event);
}

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
  '{"topic":"","partition":,"offset":,"timestamp":,"timestampType":"LOG_APPEND_TIME","key":,"value":,"headers":[]},'
    .length;

/**
 * Bytes a record adds to the event's JSON at the most, reckoned from its parts: nothing is serialised just to be weighed.
 * Base64, numbers and the timestamp types need no JSON escapes, and a topic's name allows none.
 *
 * @param key of its partition: the topic's name and the partition's number are as long together, and a hyphen
 */
export function recordBytes(key: string, record: SourceRecord): number {
  let bytes = RECORD_SKELETON_BYTES + key.length - 1 + digits(record.offset) + digits(record.timestamp);
  bytes += base64Bytes(record.keyStart, record.keyEnd) + base64Bytes(record.valueStart, record.valueEnd);
  for (const header of record.headers) bytes += utf8Bytes(toEventHeader(header)) + 1;
  const { keySchemaMetadata, valueSchemaMetadata } = record;
  if (keySchemaMetadata !== undefined) bytes += metadataBytes("keySchemaMetadata", keySchemaMetadata);
  if (valueSchemaMetadata !== undefined) bytes += metadataBytes("valueSchemaMetadata", valueSchemaMetadata);
  return bytes;
}

function base64Bytes(start: number, end: number): number {
  return start < 0 ? "null".length : 2 + 4 * Math.ceil((end - start) / 3);
}

/** Characters of a whole number in JSON, without making its text. */
function digits(value: number): number {
  if (value < 0) return String(value).length;
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  return count;
}

/** `,"name":{…}` */
function metadataBytes(name: string, metadata: SchemaMetadata): number {
  return name.length + 4 + utf8Bytes(metadata);
}
