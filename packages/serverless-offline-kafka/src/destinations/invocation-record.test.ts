import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EventRecord } from "../delivery/event.ts";
import {
  type FailedBatch,
  invocationRecord,
  invocationRecordWithPayload,
  recordMessages,
} from "./invocation-record.ts";

function record(offset: number, fields: Partial<EventRecord> = {}): EventRecord {
  return {
    topic: "Topic",
    partition: 0,
    offset,
    timestamp: Date.parse("2019-11-14T00:38:04.835Z"),
    timestampType: "CREATE_TIME",
    key: "dGVzdC1rZXk=",
    value: "dGVzdC12YWx1ZQ==",
    headers: [],
    ...fields,
  };
}

const BATCH: FailedBatch = {
  condition: "RetryAttemptsExhausted",
  requestId: "316aa6d0-8154-4c5f-9af7-85d5f4a6bc81",
  functionArn: "arn:aws:lambda:us-east-1:123456789012:function:myfunction",
  approximateInvokeCount: 1,
  response: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
  timestampMs: Date.parse("2019-11-14T00:38:06.021Z"),
  payloadBytes: 2_039_086,
  event: {
    eventSource: "aws:kafka",
    eventSourceArn: "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973",
    bootstrapServers: "b-1.example:9092",
    records: {
      "Topic-0": [record(100), record(101, { timestamp: Date.parse("2019-11-14T00:38:05.580Z"), key: null })],
      "Topic-1": [record(7, { partition: 1 })],
    },
  },
};

const DOCUMENT = {
  requestContext: {
    requestId: "316aa6d0-8154-4c5f-9af7-85d5f4a6bc81",
    functionArn: "arn:aws:lambda:us-east-1:123456789012:function:myfunction",
    condition: "RetryAttemptsExhausted",
    approximateInvokeCount: 1,
  },
  responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
  version: "1.0",
  timestamp: "2019-11-14T00:38:06.021Z",
  KafkaBatchInfo: {
    batchSize: 3,
    eventSourceArn: "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973",
    bootstrapServers: "b-1.example:9092",
    payloadSize: 2_039_086,
    recordsInfo: {
      "Topic-0": {
        firstRecordOffset: "100",
        lastRecordOffset: "101",
        firstRecordTimestamp: "2019-11-14T00:38:04.835Z",
        lastRecordTimestamp: "2019-11-14T00:38:05.580Z",
      },
      "Topic-1": {
        firstRecordOffset: "7",
        lastRecordOffset: "7",
        firstRecordTimestamp: "2019-11-14T00:38:04.835Z",
        lastRecordTimestamp: "2019-11-14T00:38:04.835Z",
      },
    },
  },
};

/** What a receiver reads. */
const wire = (document: unknown): unknown => JSON.parse(JSON.stringify(document));

describe("invocationRecord", () => {
  test("is the document of the Lambda developer guide", () => {
    expect(wire(invocationRecord(BATCH))).toStrictEqual(DOCUMENT);
  });

  test("has a null responseContext where nothing was invoked", () => {
    const document = invocationRecord({ ...BATCH, condition: "MaximumPayloadSizeExceeded", response: undefined });

    expect(document).toMatchObject({
      requestContext: { condition: "MaximumPayloadSizeExceeded" },
      responseContext: null,
    });
  });

  test("has no functionError where only items failed, and no ARN for a self-managed Kafka", () => {
    const document = wire(
      invocationRecord({
        ...BATCH,
        response: { statusCode: 200, executedVersion: "$LATEST", functionError: undefined },
        event: { eventSource: "SelfManagedKafka", bootstrapServers: "127.0.0.1:9092", records: BATCH.event.records },
      }),
    );

    expect(document).toMatchObject({ responseContext: { statusCode: 200, executedVersion: "$LATEST" } });
    expect(document).not.toHaveProperty("responseContext.functionError");
    expect(document).not.toHaveProperty("KafkaBatchInfo.eventSourceArn");
  });

  test("names the first and last record of each partition that has any, whatever their timestamps", () => {
    const anyRecord = fc
      .record({ offset: fc.maxSafeNat(), timestamp: fc.maxSafeInteger() })
      .map(({ offset, timestamp }) => record(offset, { timestamp }));
    const partitions = fc.dictionary(fc.stringMatching(/^[a-z.]{1,9}-[0-9]$/), fc.array(anyRecord, { maxLength: 4 }));
    fc.assert(
      fc.property(partitions, (records) => {
        const { KafkaBatchInfo: info } = invocationRecord({ ...BATCH, event: { ...BATCH.event, records } }) as {
          KafkaBatchInfo: { batchSize: number; recordsInfo: Record<string, Record<string, string>> };
        };

        const filled = Object.entries(records).filter(([, list]) => list.length > 0);
        expect(Object.keys(info.recordsInfo)).toEqual(filled.map(([key]) => key));
        for (const [key, list] of filled) {
          expect(info.recordsInfo[key]).toMatchObject({
            firstRecordOffset: String(list[0]?.offset),
            lastRecordOffset: String(list.at(-1)?.offset),
          });
        }
        expect(info.batchSize).toBe(filled.reduce((sum, [, list]) => sum + list.length, 0));
      }),
    );
  });
});

test("for S3 the event comes along as a string", () => {
  const { payload, ...rest } = invocationRecordWithPayload(BATCH);

  expect(wire(rest)).toStrictEqual(DOCUMENT);
  expect(JSON.parse(String(payload))).toStrictEqual(BATCH.event);
});

describe("recordMessages", () => {
  test("are the messages of the Lambda developer guide", () => {
    const [first] = [...recordMessages(BATCH)];

    expect(JSON.parse(first?.value ?? "")).toStrictEqual({
      requestContext: {
        requestId: "316aa6d0-8154-4c5f-9af7-85d5f4a6bc81",
        functionArn: "arn:aws:lambda:us-east-1:123456789012:function:myfunction:$LATEST",
        condition: "RetriesExhausted",
        approximateInvokeCount: 1,
      },
      responseContext: DOCUMENT.responseContext,
      version: "1.0",
      timestamp: "2019-11-14T00:38:06.021Z",
      KafkaBatchInfo: {
        batchSize: 3,
        eventSourceArn: DOCUMENT.KafkaBatchInfo.eventSourceArn,
        bootstrapServers: "b-1.example:9092",
        payloadSize: 2_039_086,
        recordInfo: { offset: "100", timestamp: "2019-11-14T00:38:04.835Z" },
      },
      payload: { ...BATCH.event, records: { "Topic-0": [record(100)] } },
    });
  });

  test("are one for each record, in order, with the record's own key", () => {
    const messages = [...recordMessages(BATCH)].map(({ key, offset, partitionKey }) => ({ key, offset, partitionKey }));

    expect(messages).toEqual([
      { key: Buffer.from("test-key"), offset: 100, partitionKey: "Topic-0" },
      { key: null, offset: 101, partitionKey: "Topic-0" },
      { key: Buffer.from("test-key"), offset: 7, partitionKey: "Topic-1" },
    ]);
  });

  test("keep the qualifier of a function that has one", () => {
    const alias = `${BATCH.functionArn}:live`;
    const [first] = [...recordMessages({ ...BATCH, functionArn: alias, condition: "RecordAgeExceeded" })];

    expect(JSON.parse(first?.value ?? "")).toMatchObject({
      requestContext: { functionArn: alias, condition: "RecordAgeExceeded" },
    });
  });
});
