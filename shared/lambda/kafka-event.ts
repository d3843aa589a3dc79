import * as v from "valibot";

/**
 * A record as the Kafka event source mapping hands it over; `key` and `value` are base64, and a tombstone has no value.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/with-msk.html#msk-sample-event
 */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970; whose clock it was is in timestampType. */
  readonly timestamp: number;
  readonly timestampType: "CREATE_TIME" | "LOG_APPEND_TIME";
  readonly key?: string | null;
  readonly value?: string | null;
  readonly headers: readonly Readonly<Record<string, readonly number[]>>[];
}

export interface KafkaEvent {
  readonly eventSource: "aws:kafka" | "SelfManagedKafka";
  readonly eventSourceArn?: string;
  readonly bootstrapServers: string;
  /** Lists of records by `topic-partition`, each in the order of its offsets. */
  readonly records: Readonly<Record<string, readonly KafkaRecord[]>>;
}

const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const RecordShape = v.looseObject({
  topic: v.string(),
  partition: natural,
  offset: natural,
  timestamp: v.number(),
  timestampType: v.picklist(["CREATE_TIME", "LOG_APPEND_TIME"]),
  key: v.nullish(v.string()),
  value: v.nullish(v.string()),
  headers: v.array(v.record(v.string(), v.array(v.number()))),
});

/**
 * The event of a Kafka event source mapping. Of each list only the first record is checked: one program wrote all of them,
 * so they are alike, and checking all 10,000 of a full batch would cost as much as judging them. What is inside a record
 * is checked by whoever decodes it, who can tell which offset is at fault.
 */
export const KafkaEvent: v.GenericSchema<unknown, KafkaEvent> = v.looseObject({
  eventSource: v.picklist(["aws:kafka", "SelfManagedKafka"]),
  eventSourceArn: v.exactOptional(v.string()),
  bootstrapServers: v.string(),
  records: v.pipe(
    v.custom<KafkaEvent["records"]>(
      (records) => typeof records === "object" && records !== null && !Array.isArray(records),
      "Expected lists of records by topic-partition",
    ),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const [topicPartition, list] of Object.entries(dataset.value)) {
        const problem = problemOfList(topicPartition, list);
        if (problem !== undefined) addIssue({ message: `${topicPartition}: ${problem}` });
      }
    }),
  ),
});

function problemOfList(topicPartition: string, list: unknown): string | undefined {
  if (!Array.isArray(list)) return "Expected a list of records";
  if (list.length === 0) return undefined;
  const first = v.safeParse(RecordShape, list[0], { abortEarly: true });
  if (!first.success) return `0.${v.getDotPath(first.issues[0]) ?? ""}: ${first.issues[0].message}`;
  const { topic, partition } = first.output;
  return topicPartition === `${topic}-${partition}` ? undefined : `0: is of ${topic}-${partition}`;
}

/** A record that could not be taken, and why. */
export interface RecordFailure {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** As the event has it: in base64, where there is one. */
  readonly key: string | null;
  readonly error: unknown;
}

export interface DecodedRecord<Value> {
  readonly record: KafkaRecord;
  readonly value: Value;
}

/**
 * Hands over the records of a batch, partition by partition, up to the first record of each that `take` throws on. The records
 * behind it are left alone: the mapping restarts a partition at its lowest failed offset, so they come again, and whoever
 * acted on them now would act on them twice.
 *
 * @param begin is told of each partition by its first record, and answers what takes the records of that partition
 */
export function takeRecords(
  event: KafkaEvent,
  begin: (first: KafkaRecord) => (record: KafkaRecord) => void,
): RecordFailure[] {
  const failures: RecordFailure[] = [];
  for (const records of Object.values(event.records)) {
    const [first] = records;
    if (first === undefined) continue;
    const take = begin(first);
    for (const record of records) {
      try {
        take(record);
      } catch (error) {
        const { topic, partition, offset, key = null } = record;
        failures.push({ topic, partition, offset, key, error });
        break;
      }
    }
  }
  return failures;
}

/** Decodes a batch as takeRecords hands it over. */
export function decodeRecords<Value>(
  event: KafkaEvent,
  decode: (record: KafkaRecord) => Value,
): { readonly decoded: DecodedRecord<Value>[]; readonly failures: RecordFailure[] } {
  const decoded: DecodedRecord<Value>[] = [];
  const failures = takeRecords(event, () => (record) => decoded.push({ record, value: decode(record) }));
  return { decoded, failures };
}

/** What a function answers to a mapping that has `FunctionResponseTypes: [ReportBatchItemFailures]`. */
export interface KafkaBatchResponse {
  readonly batchItemFailures: readonly {
    readonly itemIdentifier: { readonly partition: string; readonly offset: number };
  }[];
}

/**
 * The answer that restarts each partition at its lowest failed offset; no failures, everything is done.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
 */
export function kafkaBatchResponse(
  failures: Iterable<Pick<RecordFailure, "topic" | "partition" | "offset">>,
): KafkaBatchResponse {
  const lowest = new Map<string, number>();
  for (const { topic, partition, offset } of failures) {
    const topicPartition = `${topic}-${partition}`;
    lowest.set(topicPartition, Math.min(offset, lowest.get(topicPartition) ?? offset));
  }
  return {
    batchItemFailures: [...lowest].map(([partition, offset]) => ({ itemIdentifier: { partition, offset } })),
  };
}
