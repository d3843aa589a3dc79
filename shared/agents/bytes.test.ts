import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "./bytes.ts";

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.finish();
}

/** Both sides of every length that a varint can have, up to the last safe integer. */
const boundaries = [0, 7, 14, 21, 28, 31, 32, 35, 42, 49, 52]
  .flatMap((bits) => [2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
  .concat(Number.MAX_SAFE_INTEGER - 1, Number.MAX_SAFE_INTEGER);

describe("unsigned", () => {
  test.each(boundaries)("%d", (value) => {
    const bytes = written((writer) => writer.unsigned(value));
    expect(bytes).toHaveLength(Math.max(1, Math.ceil(value.toString(2).length / 7)));
    const reader = new ByteReader(bytes);
    expect(reader.unsigned()).toBe(value);
    expect(reader.isAtEnd).toBe(true);
  });

  test("is LEB128: 300 is AC 02", () => {
    expect([...written((writer) => writer.unsigned(300))]).toEqual([0xac, 0x02]);
  });
});

describe("signed", () => {
  const inRange = boundaries.filter((value) => value < 2 ** 52);

  test.each([...inRange, -(2 ** 52), ...inRange.filter((value) => value > 0).map((value) => -value)])("%d", (value) => {
    expect(new ByteReader(written((writer) => writer.signed(value))).signed()).toBe(value);
  });

  test("is zigzagged: small numbers take one byte whatever their sign", () => {
    expect([0, -1, 1, -2, 2].map((value) => [...written((writer) => writer.signed(value))])).toEqual([
      [0],
      [1],
      [2],
      [3],
      [4],
    ]);
  });
});

test("whatever is written is read back, in the same order", () => {
  const value = fc.oneof(
    fc.record({ kind: fc.constant("unsigned" as const), value: fc.maxSafeNat() }),
    fc.record({ kind: fc.constant("signed" as const), value: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }) }),
    fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array({ maxLength: 3_000 }) }),
    fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "grapheme" }) }),
  );
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const bytes = written((writer) => {
        for (const each of values) {
          if (each.kind === "bytes") writer.bytes(each.value);
          else if (each.kind === "text") writer.text(each.value);
          else writer[each.kind](each.value);
        }
      });
      const reader = new ByteReader(bytes);
      for (const { kind, value } of values) {
        const read = reader[kind]();
        expect(typeof read === "object" ? [...read] : read).toEqual(typeof value === "object" ? [...value] : value);
      }
      expect(reader.isAtEnd).toBe(true);
    }),
  );
});

describe("input that was cut off is an error, not a smaller value", () => {
  test.each(boundaries.filter((value) => value > 127))("in the number %d", (value) => {
    const bytes = written((writer) => writer.unsigned(value));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => new ByteReader(bytes.subarray(0, length)).unsigned()).toThrow(RangeError);
    }
  });

  test("in bytes and in text", () => {
    const bytes = written((writer) => writer.text("MASTERCARD"));
    for (let length = 0; length < bytes.length; length++) {
      expect(() => new ByteReader(bytes.subarray(0, length)).bytes()).toThrow(RangeError);
      expect(() => new ByteReader(bytes.subarray(0, length)).text()).toThrow(RangeError);
    }
  });
});

test("a number that never ends is an error, not Infinity", () => {
  const bytes = new Uint8Array(500).fill(0xff);
  bytes[499] = 1;
  expect(() => new ByteReader(bytes).unsigned()).toThrow("too long");
});
