import { createRequire } from "node:module";
import { describe, expect, test } from "@jest/globals";
import { crc32c, RecordBatch } from "./bulk-producer.ts";

/** kafkajs's own reader of the format, which has no types. */
const kafkajs = createRequire(import.meta.url);
const Decoder = kafkajs("kafkajs/src/protocol/decoder.js") as new (bytes: Buffer) => object;
const decodeBatch = kafkajs("kafkajs/src/protocol/recordBatch/v0/decoder.js") as (decoder: object) => Promise<{
  records: { offset: string; timestamp: string; key: Buffer; value: Buffer }[];
}>;

async function recordsIn(bytes: Buffer) {
  const { records } = await decodeBatch(new Decoder(bytes));
  return records.map(({ key, value, ...record }) => ({ ...record, key: String(key), value: String(value) }));
}

describe("crc32c", () => {
  test("is that of RFC 3720, whatever the length", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43);
    expect(crc32c(Buffer.from("xx123456789x"), 2, 11)).toBe(0xe3069283);
  });
});

describe("RecordBatch", () => {
  test("holds what was added, as a reader of Kafka's format finds it", async () => {
    const batch = new RecordBatch();
    // Lengths on both sides of one, two and three bytes of a varint.
    const values = [1, 63, 64, 8_191, 8_192, 100_000].map((length) => "v".repeat(length));
    for (const value of values) expect(batch.add(`k${value.length}`, value)).toBe(true);

    const records = await recordsIn(batch.finish(1_795_000_000_000));

    expect(records).toEqual(
      values.map((value, index) =>
        expect.objectContaining({
          offset: String(index),
          timestamp: "1795000000000",
          key: `k${value.length}`,
          value,
        }),
      ),
    );
  });

  test("takes no more than a broker does, and can be used again", async () => {
    const batch = new RecordBatch();
    const value = "v".repeat(400_000);
    expect([batch.add("a", value), batch.add("b", value), batch.add("c", value)]).toEqual([true, true, false]);
    expect(batch.finish(1).length).toBeLessThan(1_048_588);

    batch.clear();
    batch.add("d", "again");
    expect(await recordsIn(batch.finish(1))).toMatchObject([{ offset: "0", key: "d", value: "again" }]);
  });
});
