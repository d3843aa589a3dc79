import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EventEnvelope, EventRecord, SourceRecord } from "./event.ts";
import { buildEvent, envelopeBytes, partitionBytes, recordBytes, toEventRecord } from "./event.ts";

const ENVELOPE: EventEnvelope = {
  eventSource: "aws:kafka",
  eventSourceArn: "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2",
  bootstrapServers: "b-2.example:9092,b-1.example:9092",
};

test("builds the event of the Lambda developer guide", () => {
  const record = toEventRecord("mytopic", 0, {
    offset: "15",
    timestamp: "1545084650987",
    key: Buffer.from("abcDEFghiJKLmnoPQRstuVWXyz1234=="),
    value: Buffer.from("Hello, this is a test."),
    headers: { headerKey: Buffer.from("headerValue") },
  });

  expect(buildEvent(ENVELOPE, [{ key: "mytopic-0", records: [record] }])).toEqual({
    eventSource: "aws:kafka",
    eventSourceArn: ENVELOPE.eventSourceArn,
    bootstrapServers: ENVELOPE.bootstrapServers,
    records: {
      "mytopic-0": [
        {
          topic: "mytopic",
          partition: 0,
          offset: 15,
          timestamp: 1545084650987,
          timestampType: "CREATE_TIME",
          key: "YWJjREVGZ2hpSktMbW5vUFFSc3R1VldYeXoxMjM0PT0=",
          value: "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
          headers: [{ headerKey: [104, 101, 97, 100, 101, 114, 86, 97, 108, 117, 101] }],
        },
      ],
    },
  });
});

describe("toEventRecord", () => {
  const message = {
    attributes: 0,
    offset: "42",
    timestamp: "1700000000000",
    key: null,
    value: null,
    headers: { one: Buffer.from("1"), two: [Buffer.from("2"), "3"], none: undefined },
  };

  test("takes a tombstone, repeated headers and one without a value", () => {
    expect(toEventRecord("t", 1, message)).toEqual({
      topic: "t",
      partition: 1,
      offset: 42,
      timestamp: 1700000000000,
      timestampType: "CREATE_TIME",
      key: null,
      value: null,
      headers: [{ one: [49] }, { two: [50] }, { two: [51] }, { none: [] }],
    });
  });

  test("takes the timestamp's type from the batch", () => {
    const appended = { ...message, batchContext: { timestampType: 1 } };
    expect(toEventRecord("t", 1, appended).timestampType).toBe("LOG_APPEND_TIME");
  });
});

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const header = bytes.map((value) => value ?? undefined);
const sourceRecord: fc.Arbitrary<SourceRecord> = fc.record({
  offset: fc.nat().map(String),
  timestamp: fc.oneof(fc.nat(), fc.constantFrom(-1, 0, 9, 10, 999, 1_000, 1_700_000_000_000)).map(String),
  key: bytes,
  value: bytes,
  headers: fc.dictionary(fc.string({ unit: "grapheme" }), fc.oneof(header, fc.array(header, { maxLength: 3 })), {
    maxKeys: 4,
  }),
});
const metadata: fc.Arbitrary<Pick<EventRecord, "keySchemaMetadata" | "valueSchemaMetadata">> = fc.record(
  {
    keySchemaMetadata: fc.constant({ dataFormat: "AVRO" as const, schemaId: "7" }),
    valueSchemaMetadata: fc.constant({ dataFormat: "PROTOBUF" as const, schemaId: "70000" }),
  },
  { requiredKeys: [] },
);

test("reckons a payload's size from its parts: never too little, and one byte a list too much at most", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.tuple(sourceRecord, metadata), { minLength: 1, maxLength: 5 }), { maxLength: 4 }),
      (partitions) => {
        const slices = partitions.map((records, partition) => ({
          key: `a.topic_x-${partition}`,
          records: records.map(([record, more]) => ({ ...toEventRecord("a.topic_x", partition, record), ...more })),
        }));

        let reckoned = envelopeBytes(ENVELOPE);
        for (const { key, records } of slices) {
          reckoned += partitionBytes(key);
          for (const record of records) reckoned += recordBytes(record);
        }

        const exact = Buffer.byteLength(JSON.stringify(buildEvent(ENVELOPE, slices)));
        const lists = slices.length + (slices.length > 0 ? 1 : 0);
        expect(reckoned - exact).toBe(lists);
      },
    ),
  );
});
