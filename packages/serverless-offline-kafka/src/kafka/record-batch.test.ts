import { createRequire } from "node:module";
import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { recordKey, recordValue } from "../delivery/event.ts";
import { prepareKafkaJs } from "./kafka-client.ts";
import { decodeBatches, isRecordBatch } from "./record-batch.ts";

/** kafkajs's own encoder and decoder, which know nothing of ours. */
const require = createRequire(import.meta.url);
const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0") as {
  RecordBatch(batch: Record<string, unknown>): Promise<{ buffer: Buffer }>;
};
const Record = require("kafkajs/src/protocol/recordBatch/record/v0") as (record: Plain) => unknown;
const decodeMessages = require("kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js") as (
  decoder: unknown,
) => Promise<{ offset: string; timestamp: string; key: Buffer | null; value: Buffer | null; headers: object }[]>;
const Decoder = require("kafkajs/src/protocol/decoder.js") as new (buffer: Buffer) => unknown;

interface Plain {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: { readonly [name: string]: Buffer | Buffer[] };
}

interface Header {
  readonly firstOffset?: number;
  readonly firstTimestamp?: number;
  readonly compression?: number;
  readonly transactional?: boolean;
  readonly producerId?: number;
}

beforeAll(() => prepareKafkaJs());

async function encode(records: readonly Plain[], { firstOffset = 0, ...header }: Header = {}): Promise<Buffer> {
  const lastOffsetDelta = records.at(-1)?.offsetDelta ?? 0;
  const batch = await RecordBatch({ ...header, firstOffset, lastOffsetDelta, records: records.map(Record) });
  return batch.buffer;
}

function plain(offsetDelta: number, value = `v${offsetDelta}`, key: string | null = null): Plain {
  return {
    offsetDelta,
    timestampDelta: 0,
    key: key === null ? null : Buffer.from(key),
    value: Buffer.from(value),
    headers: {},
  };
}

/** A transaction's end, as the broker writes it: a batch of one control record. */
async function marker(offset: number, producerId: number, type: "abort" | "commit"): Promise<Buffer> {
  const key = Buffer.from([0, 0, 0, type === "abort" ? 0 : 1]);
  const set = await encode([{ ...plain(0), key, value: Buffer.alloc(6) }], {
    firstOffset: offset,
    transactional: true,
    producerId,
  });
  set.writeInt16BE(set.readInt16BE(21) | 0x20, 21);
  return set;
}

const values = async (set: Buffer, from = 0, aborted?: Parameters<typeof decodeBatches>[2]) => {
  const { lastOffset, records } = await decodeBatches(set, from, aborted);
  return { lastOffset, records: records.map((record) => `${record.offset}:${recordValue(record)}`) };
};

describe("decodeBatches", () => {
  test("reads batch after batch, from the offset that was asked for, and leaves out one that is cut off", async () => {
    const set = Buffer.concat([
      await encode([plain(0), plain(1), plain(2)], { firstOffset: 10 }),
      await encode([plain(0), plain(4)], { firstOffset: 20 }),
      (await encode([plain(0)], { firstOffset: 30 })).subarray(0, -1),
    ]);
    expect(await values(set, 11)).toEqual({ lastOffset: 24, records: ["11:v1", "12:v2", "20:v0", "24:v4"] });
    expect(await values(set.subarray(0, 40))).toEqual({ lastOffset: undefined, records: [] });
    expect(await values(Buffer.alloc(0))).toEqual({ lastOffset: undefined, records: [] });
  });

  test("goes past a batch whose records were compacted away", async () => {
    const empty = await encode([plain(7)], { firstOffset: 0 });
    empty.writeInt32BE(0, 57);
    expect(await values(empty)).toEqual({ lastOffset: 7, records: [] });
  });

  test.each([
    ["gzip", 1],
    ["zstd", 4],
  ])("reads %s", async (_name, compression) => {
    const set = await encode([plain(0), plain(1)], { compression });
    expect(await values(set)).toEqual({ lastOffset: 1, records: ["0:v0", "1:v1"] });
  });

  test("says which compression it cannot read, as kafkajs does", async () => {
    const set = await encode([plain(0)], { compression: 1 });
    set.writeInt16BE(3, 21);
    await expect(decodeBatches(set, 0)).rejects.toMatchObject({ name: "KafkaJSNotImplemented" });
  });

  test("gives all records of a batch the broker's time where that counts", async () => {
    const set = await encode([{ ...plain(0), timestampDelta: 5 }], { firstTimestamp: 1_000 });
    expect((await decodeBatches(set, 0)).records[0]).toMatchObject({ timestamp: 1_005, logAppendTime: false });
    set.writeInt16BE(0x08, 21);
    set.writeBigInt64BE(7_000n, 35);
    expect((await decodeBatches(set, 0)).records[0]).toMatchObject({ timestamp: 7_000, logAppendTime: true });
  });

  test("leaves out what was aborted, and nothing else of the same producer", async () => {
    const of = (firstOffset: number, producerId: number, transactional = true) =>
      encode([plain(0)], { firstOffset, producerId, transactional });
    const set = Buffer.concat([
      await of(0, 7),
      await of(1, 8),
      await of(2, 7),
      await marker(3, 7, "abort"),
      await of(4, 7),
      await of(5, 7, false),
      await marker(6, 7, "commit"),
      await marker(7, 8, "commit"),
    ]);
    const aborted = [{ producerId: 7n, firstOffset: 0 }];
    expect(await values(set, 0, aborted)).toEqual({ lastOffset: 7, records: ["1:v0", "4:v0", "5:v0"] });
  });

  test("knows the formats that it cannot read", async () => {
    const set = await encode([plain(0)]);
    expect(isRecordBatch(set)).toBe(true);
    set.writeInt8(1, 16);
    expect(isRecordBatch(set)).toBe(false);
  });
});

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const headerValue = fc.uint8Array({ maxLength: 10 }).map((array) => Buffer.from(array));
const batch = fc.record({
  records: fc
    .array(
      fc.record({
        gap: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat({ max: 100_000 })),
        timestampDelta: fc.oneof(fc.nat({ max: 1_000 }), fc.integer({ min: -(2 ** 40), max: 2 ** 40 })),
        key: bytes,
        value: bytes,
        headers: fc.dictionary(
          fc.string({ unit: "grapheme", maxLength: 5 }).filter((name) => name !== "__proto__"),
          fc.oneof(headerValue, fc.array(headerValue, { minLength: 2, maxLength: 3 })),
          { maxKeys: 3 },
        ),
      }),
      { minLength: 1, maxLength: 20 },
    )
    .map((list) => {
      let next = 0;
      return list.map(({ gap, ...record }) => {
        const offsetDelta = next + gap;
        next = offsetDelta + 1;
        return { ...record, offsetDelta };
      });
    }),
  firstTimestamp: fc.nat({ max: 2 ** 41 }),
  compression: fc.constantFrom(0, 0, 1, 4),
});

test("reads whatever kafkajs reads, to the byte", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { minLength: 1, maxLength: 3 }),
      fc.nat({ max: 2 ** 45 }),
      async (batches, start) => {
        const sets: Buffer[] = [];
        let firstOffset = start;
        for (const { records, ...header } of batches) {
          sets.push(await encode(records, { ...header, firstOffset }));
          firstOffset += (records.at(-1)?.offsetDelta ?? 0) + 1;
        }
        const set = Buffer.concat(sets);
        const size = Buffer.alloc(4);
        size.writeInt32BE(set.length);

        const theirs = await decodeMessages(new Decoder(Buffer.concat([size, set])));
        const ours = await decodeBatches(set, 0);

        expect(ours.lastOffset).toBe(firstOffset - 1);
        expect(
          ours.records.map((record) => ({
            offset: String(record.offset),
            timestamp: String(record.timestamp),
            key: recordKey(record),
            value: recordValue(record),
            // kafkajs sorts headers by name, and puts those of one name together.
            headers: Object.fromEntries(
              [...Map.groupBy(record.headers, ([name]) => name)].map(([name, list]) => [
                name,
                list.length > 1 ? list.map(([, value]) => value) : list[0]?.[1],
              ]),
            ),
          })),
        ).toEqual(
          theirs.map(({ offset, timestamp, key, value, headers }) => ({ offset, timestamp, key, value, headers })),
        );
      },
    ),
  );
});
