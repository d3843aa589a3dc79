import type { EventRecord, MappingEvent } from "../delivery/event.ts";

/**
 * Why a batch was given up: the first and the last are in AWS's example [kafka-on-failure]. For records that are too old it
 * has no name; this one is what streams report (AWS does not say). The two in capitals are its reasons for a record that
 * a schema registry's schema does not fit [services-consume-kafka-events].
 */
export type FailureCondition =
  | "RetryAttemptsExhausted"
  | "RecordAgeExceeded"
  | "DESERIALIZATION_ERROR"
  | "SCHEMA_NOT_FOUND"
  | "MaximumPayloadSizeExceeded";

/** A batch that no more invocation is tried for. */
export interface FailedBatch {
  readonly condition: FailureCondition;
  readonly requestId: string;
  readonly functionArn: string;
  readonly approximateInvokeCount: number;
  /** What the last invocation said; undefined when there was none. */
  readonly response:
    | { readonly statusCode: number; readonly executedVersion: string; readonly functionError: string | undefined }
    | undefined;
  readonly timestampMs: number;
  readonly payloadBytes: number;
  /** The invocation payload: its records are what failed. */
  readonly event: MappingEvent;
}

/** A message for a Kafka topic: one record that failed. */
export interface TopicMessage {
  readonly key: Buffer | null;
  readonly value: string;
}

/** A message for a Kafka topic, and where its record came from. */
export interface RecordMessage extends TopicMessage {
  readonly partitionKey: string;
  readonly offset: number;
}

/** What SQS and SNS receive: what failed and where its records are, without the records [kafka-on-failure]. */
export function invocationRecord(batch: FailedBatch): Record<string, unknown> {
  const partitions = Object.entries(batch.event.records).flatMap(([key, records]) => {
    const first = records[0];
    const last = records.at(-1);
    if (first === undefined || last === undefined) return [];
    const info = {
      firstRecordOffset: String(first.offset),
      lastRecordOffset: String(last.offset),
      firstRecordTimestamp: isoTime(first.timestamp),
      lastRecordTimestamp: isoTime(last.timestamp),
    };
    return [[key, info] as const];
  });
  return {
    requestContext: {
      requestId: batch.requestId,
      functionArn: batch.functionArn,
      condition: batch.condition,
      approximateInvokeCount: batch.approximateInvokeCount,
    },
    ...outcome(batch),
    KafkaBatchInfo: { ...batchInfo(batch), recordsInfo: Object.fromEntries(partitions) },
  };
}

/** What S3 receives: the same, and the event as a string of JSON. */
export function invocationRecordWithPayload(batch: FailedBatch): Record<string, unknown> {
  return { ...invocationRecord(batch), payload: JSON.stringify(batch.event) };
}

/** AWS's word for RetryAttemptsExhausted in its example for a Kafka topic, and only there [kafka-on-failure-destination]. */
const RETRIES_EXHAUSTED_IN_TOPIC = "RetriesExhausted";

/**
 * What a Kafka topic receives: one message a record, with the record's key, so that records of one key stay in order.
 * `batchSize` and `payloadSize` are those of the failed batch: "details about the original batch", says the page; its
 * example, a batch of one, would allow either.
 */
export function* recordMessages(batch: FailedBatch): Generator<RecordMessage> {
  const requestContext = {
    requestId: batch.requestId,
    functionArn: qualified(batch.functionArn),
    condition: batch.condition === "RetryAttemptsExhausted" ? RETRIES_EXHAUSTED_IN_TOPIC : batch.condition,
    approximateInvokeCount: batch.approximateInvokeCount,
  };
  const info = batchInfo(batch);
  for (const [partitionKey, records] of Object.entries(batch.event.records)) {
    for (const record of records) {
      const value = JSON.stringify({
        requestContext,
        ...outcome(batch),
        KafkaBatchInfo: {
          ...info,
          recordInfo: { offset: String(record.offset), timestamp: isoTime(record.timestamp) },
        },
        payload: { ...batch.event, records: { [partitionKey]: [record] } },
      });
      yield { key: keyBytes(record), value, partitionKey, offset: record.offset };
    }
  }
}

function outcome({ response, timestampMs }: FailedBatch) {
  return {
    // null, and not left out, where nothing was invoked.
    responseContext:
      response === undefined
        ? null
        : {
            statusCode: response.statusCode,
            executedVersion: response.executedVersion,
            // Left out when the function itself did not fail, only some of its items. (AWS does not say)
            ...(response.functionError === undefined ? {} : { functionError: response.functionError }),
          },
    version: "1.0",
    timestamp: isoTime(timestampMs),
  };
}

function batchInfo({ event, payloadBytes }: FailedBatch) {
  return {
    batchSize: Object.values(event.records).reduce((sum, records) => sum + records.length, 0),
    ...(event.eventSourceArn === undefined ? {} : { eventSourceArn: event.eventSourceArn }),
    bootstrapServers: event.bootstrapServers,
    payloadSize: payloadBytes,
  };
}

function keyBytes({ key }: EventRecord): Buffer | null {
  return key === null ? null : Buffer.from(key, "base64");
}

/** Parts of `arn:aws:lambda:region:account:function:name`; the example for a Kafka topic has the version, the others not. */
const UNQUALIFIED_ARN_PARTS = 7;

function qualified(functionArn: string): string {
  return functionArn.split(":").length === UNQUALIFIED_ARN_PARTS ? `${functionArn}:$LATEST` : functionArn;
}

/** What a Date can hold, by ECMAScript; a producer may write any 64 bits, and a record must not fail for its timestamp. */
const DATE_MS_MAX = 8_640_000_000_000_000;

function isoTime(ms: number): string {
  return new Date(Math.max(-DATE_MS_MAX, Math.min(DATE_MS_MAX, ms))).toISOString();
}
