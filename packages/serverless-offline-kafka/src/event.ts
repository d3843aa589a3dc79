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

/** A record as it comes from Kafka. */
export interface SourceRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly logAppendTime: boolean;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** In the order of the record; a name may repeat. */
  readonly headers: ReadonlyArray<readonly [name: string, value: Buffer | null]>;
}

/** The name of a partition in an event and in `batchItemFailures`. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

/** Turns a Kafka record into the event's shape. A header without a value (unsure on AWS) becomes an empty list. */
export function toEventRecord(topic: string, partition: number, record: SourceRecord): EventRecord {
  return {
    topic,
    partition,
    offset: record.offset,
    timestamp: record.timestamp,
    timestampType: record.logAppendTime ? "LOG_APPEND_TIME" : "CREATE_TIME",
    key: record.key === null ? null : record.key.toString("base64"),
    value: record.value === null ? null : record.value.toString("base64"),
    headers: record.headers.map(([name, value]) => ({ [name]: value === null ? [] : [...value] })),
  };
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
  bytes += String(record.partition).length + String(record.offset).length + String(record.timestamp).length;
  bytes += record.key === null ? 4 : record.key.length + 2;
  bytes += record.value === null ? 4 : record.value.length + 2;
  for (const header of record.headers) bytes += utf8Bytes(header) + 1;
  if (record.headers.length > 0) bytes -= 1;
  return bytes;
}
