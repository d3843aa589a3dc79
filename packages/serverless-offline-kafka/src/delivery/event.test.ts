import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EventEnvelope, SourceRecord } from "./event.ts";
import {
  buildEvent,
  envelopeBytes,
  eventBytes,
  packRecord,
  partitionBytes,
  recordBytes,
  recordKey,
  recordValue,
  toEventRecord,
} from "./event.ts";

const ENVELOPE: EventEnvelope = {
  eventSource: "aws:kafka",
  eventSourceArn: "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/751d2973-a626-431c-9d4e-d7975eb44dd7-2",
  bootstrapServers: "b-2.example:9092,b-1.example:9092",
};

test("builds the event of the Lambda developer guide", () => {
  const record = toEventRecord(
    "mytopic",
    0,
    packRecord({
      offset: 15,
      timestamp: 1545084650987,
      key: Buffer.from("abcDEFghiJKLmnoPQRstuVWXyz1234=="),
      value: Buffer.from("Hello, this is a test."),
      headers: [["headerKey", Buffer.from("headerValue")]],
    }),
  );

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
  const parts = { offset: 42, timestamp: 1700000000000, key: null, value: null };

  test("takes a tombstone, repeated headers and one without a value", () => {
    const record = packRecord({
      ...parts,
      headers: [
        ["one", Buffer.from("1")],
        ["two", Buffer.from("2")],
        ["none", null],
        ["two", Buffer.from("3")],
      ],
    });
    expect(toEventRecord("t", 1, record)).toEqual({
      topic: "t",
      partition: 1,
      offset: 42,
      timestamp: 1700000000000,
      timestampType: "CREATE_TIME",
      key: null,
      value: null,
      headers: [{ one: [49] }, { two: [50] }, { none: [] }, { two: [51] }],
    });
  });

  test("tells a key and a value that are empty from those that are null", () => {
    const empty = Buffer.alloc(0);
    for (const [key, value] of [
      [empty, null],
      [null, empty],
      [empty, empty],
    ] as const) {
      const record = packRecord({ ...parts, key, value });
      expect([recordKey(record), recordValue(record)]).toEqual([key, value]);
      expect(toEventRecord("t", 1, record)).toMatchObject({ key: key && "", value: value && "" });
    }
  });

  test("says who made the timestamp", () => {
    const record = packRecord({ ...parts, logAppendTime: true });
    expect(toEventRecord("t", 1, record).timestampType).toBe("LOG_APPEND_TIME");
  });
});

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const sourceRecord: fc.Arbitrary<SourceRecord> = fc
  .record({
    offset: fc.nat(),
    timestamp: fc.oneof(fc.nat(), fc.constantFrom(-1, 0, 9, 10, 999, 1_000, 1_700_000_000_000)),
    logAppendTime: fc.boolean(),
    key: bytes,
    value: bytes,
    headers: fc.array(fc.tuple(fc.string({ unit: "grapheme" }), bytes), { maxLength: 4 }),
    keySchemaMetadata: fc.constantFrom(undefined, { dataFormat: "AVRO" as const, schemaId: "7" }),
    valueSchemaMetadata: fc.constantFrom(undefined, { dataFormat: "PROTOBUF" as const, schemaId: "70000" }),
  })
  .map(packRecord);

test("reckons a payload's size from its parts: never too little, and little too much", () => {
  fc.assert(
    fc.property(fc.array(fc.array(sourceRecord, { minLength: 1, maxLength: 5 }), { maxLength: 4 }), (partitions) => {
      const slices = partitions.map((records, partition) => ({
        key: `a.topic_x-${partition}`,
        records: records.map((record) => toEventRecord("a.topic_x", partition, record)),
      }));
      let reckoned = envelopeBytes(ENVELOPE);
      partitions.forEach((records, partition) => {
        const key = `a.topic_x-${partition}`;
        reckoned += partitionBytes(key);
        for (const record of records) reckoned += recordBytes(key, record);
      });

      const tooMuch = reckoned - eventBytes(buildEvent(ENVELOPE, slices));

      // One comma for each list, one for the headers of each record, and the longer of the two timestamp types.
      const records = partitions.flat().length;
      const lists = slices.length + (slices.length > 0 ? 1 : 0);
      expect(tooMuch).toBeGreaterThanOrEqual(lists);
      expect(tooMuch).toBeLessThanOrEqual(lists + records * (1 + "LOG_APPEND_TIME".length - "CREATE_TIME".length));
    }),
  );
});
