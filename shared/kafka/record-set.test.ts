import { createRequire } from "node:module";
import { describe, expect, test } from "@jest/globals";
import kafkajs from "kafkajs";
// Registers zstd with kafkajs.
import "./client.ts";
import { splitRecordSet } from "./record-set.ts";

/** kafkajs's own encoder, which knows nothing of what reads it here. */
const require = createRequire(import.meta.url);
const { RecordBatch } = require("kafkajs/src/protocol/recordBatch/v0") as {
  RecordBatch(batch: object): Promise<{ buffer: Buffer }>;
};
const encodeRecord = require("kafkajs/src/protocol/recordBatch/record/v0") as (record: object) => unknown;

interface Sample {
  readonly delta: number;
  readonly timeDelta?: number;
  readonly key?: Buffer | null;
  readonly value?: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | Buffer[]>>;
}

const time = 1_795_844_950_087;

async function batchOf(firstOffset: number, samples: readonly Sample[], options: object = {}): Promise<Buffer> {
  const records = samples.map(({ delta, timeDelta = 0, key = null, value = null, headers = {} }) =>
    encodeRecord({ offsetDelta: delta, timestampDelta: timeDelta, key, value, headers }),
  );
  const lastOffsetDelta = samples.at(-1)?.delta ?? 0;
  const header = { firstOffset, firstTimestamp: time, maxTimestamp: time + 50, lastOffsetDelta, records };
  return (await RecordBatch({ ...header, ...options })).buffer;
}

/** Sets flags in a batch's attributes; its checksum is not looked at. */
function withFlags(batch: Buffer, flags: number): Buffer {
  const copy = Buffer.from(batch);
  copy.writeInt16BE(copy.readInt16BE(21) | flags, 21);
  return copy;
}

const offsetsOf = (records: readonly { readonly offset: number }[]) => records.map(({ offset }) => offset);

test("reads offsets, times, keys, values and headers, also those that are null, empty or come twice", async () => {
  const [batch] = splitRecordSet(
    await batchOf(1_000, [
      { delta: 0, key: Buffer.from("k"), value: Buffer.from("Zürich") },
      { delta: 7, timeDelta: 9_000_000_000, value: Buffer.alloc(300, 1) },
      { delta: 9, timeDelta: -90_000, key: Buffer.alloc(0), headers: { a: [Buffer.from("1"), Buffer.from("2")] } },
    ]),
  );

  expect(batch).toMatchObject({ firstOffset: 1_000, nextOffset: 1_010 });
  expect(await batch?.records()).toEqual([
    { offset: 1_000, timestamp: time, key: Buffer.from("k"), value: Buffer.from("Zürich"), headers: [] },
    { offset: 1_007, timestamp: time + 9_000_000_000, key: null, value: Buffer.alloc(300, 1), headers: [] },
    {
      ...{ offset: 1_009, timestamp: time - 90_000, key: Buffer.alloc(0), value: null },
      headers: [
        ["a", Buffer.from("1")],
        ["a", Buffer.from("2")],
      ],
    },
  ]);
});

test("leaves out what is in front of the wanted offset, or behind it: Kafka sends whole batches", async () => {
  const [batch] = splitRecordSet(await batchOf(10, [{ delta: 0 }, { delta: 1 }, { delta: 2 }, { delta: 3 }]));

  expect(offsetsOf((await batch?.records(11, 13)) ?? [])).toEqual([11, 12]);
});

describe("a record set", () => {
  test("of several batches whose last one is cut off has those that are whole", async () => {
    const [first, second] = [await batchOf(0, [{ delta: 0 }]), await batchOf(5, [{ delta: 0 }])];
    const cuts = [1, 20, 62, second.length - 1];

    for (const cut of cuts) {
      expect(splitRecordSet(Buffer.concat([first, second.subarray(0, cut)]))).toHaveLength(1);
    }
    expect(splitRecordSet(Buffer.concat([first, second])).map(({ firstOffset }) => firstOffset)).toEqual([0, 5]);
    expect(splitRecordSet(Buffer.alloc(0))).toEqual([]);
  });

  test("may have batches that compaction has emptied, behind which there is more", async () => {
    const [batch] = splitRecordSet(await batchOf(40, [], { lastOffsetDelta: 9 }));

    expect(batch?.nextOffset).toBe(50);
    expect(await batch?.records()).toEqual([]);
  });
});

test("a batch that ends a transaction has no records, and an offset all the same", async () => {
  const [batch] = splitRecordSet(withFlags(await batchOf(3, [{ delta: 0, key: Buffer.alloc(4) }]), 0x30));

  expect(await batch?.records()).toEqual([]);
  expect(batch?.nextOffset).toBe(4);
});

test("where the broker sets the time, all records of a batch have it", async () => {
  const [batch] = splitRecordSet(withFlags(await batchOf(0, [{ delta: 0, timeDelta: 3 }]), 0x08));

  expect((await batch?.records())?.[0]?.timestamp).toBe(time + 50);
});

describe("compression", () => {
  const samples = Array.from({ length: 100 }, (_, delta) => ({ delta, value: Buffer.from(`value ${delta}`) }));

  test.each([
    ["gzip", kafkajs.CompressionTypes.GZIP],
    ["zstd", kafkajs.CompressionTypes.ZSTD],
  ])("%s is read", async (_name, compression) => {
    const [batch] = splitRecordSet(await batchOf(0, samples, { compression }));

    expect((await batch?.records())?.map(({ value }) => String(value))).toEqual(
      samples.map(({ value }) => String(value)),
    );
  });

  test("there is no code for says so", async () => {
    const [batch] = splitRecordSet(withFlags(await batchOf(0, samples), kafkajs.CompressionTypes.LZ4));

    await expect(batch?.records()).rejects.toHaveProperty("name", "KafkaJSNotImplemented");
  });
});
