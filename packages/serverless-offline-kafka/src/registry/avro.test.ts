import { describe, expect, test } from "@jest/globals";
import avro from "avsc";
import fc from "fast-check";
import { compileAvro } from "./avro.ts";
import type { RegisteredSchema } from "./schema.ts";

const avroSchema = (schema: unknown, references: RegisteredSchema["references"] = []): RegisteredSchema => ({
  format: "AVRO",
  text: JSON.stringify(schema),
  references,
});

/** What a producer with avsc writes, as JSON. */
function jsonOf(schema: unknown, value: unknown): string {
  const bytes = avro.Type.forSchema(schema as never, { wrapUnions: "always" }).toBuffer(value);
  return compileAvro(avroSchema(schema))(bytes)();
}

/** A zigzag varint, which is how Avro writes a long. */
function longBytes(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

describe("Avro as JSON", () => {
  test.each([
    ["null", null, "null"],
    ["boolean", true, "true"],
    ["int", -7, "-7"],
    ["double", 1.5, "1.5"],
    ["float", 1.1, "1.1"],
    ["string", 'a "b" \u2028', '"a \\"b\\" \u2028"'],
    ["bytes", Buffer.from([0, 65, 255]), '"\\u0000A\u00ff"'],
    [{ type: "fixed", name: "F", size: 2 }, Buffer.from([66, 254]), '"B\u00fe"'],
    [{ type: "enum", name: "E", symbols: ["P", "Q"] }, "Q", '"Q"'],
    [{ type: "array", items: "int" }, [1, 2], "[1,2]"],
    [{ type: "map", values: "int" }, { a: 1, 'b"': 2 }, '{"a":1,"b\\"":2}'],
    [["null", "string"], null, "null"],
    [["null", "string"], { string: "x" }, '"x"'],
    [["int", "long"], { int: 1 }, "1"],
    [{ type: "int", logicalType: "date" }, 20_000, "20000"],
    [{ type: "string", logicalType: "uuid" }, "u", '"u"'],
    [{ type: "bytes", logicalType: "decimal", precision: 4, scale: 2 }, Buffer.from([1, 44]), '"\\u0001,"'],
  ])("%j", (schema, value, json) => {
    expect(jsonOf(schema, value)).toBe(json);
  });

  test("a union of records has no names of branches", () => {
    const record = (name: string) => ({ type: "record", name, fields: [{ name: "x", type: "int" }] });
    expect(jsonOf([record("A"), record("B")], { B: { x: 1 } })).toBe('{"x":1}');
  });

  test("a record may contain itself", () => {
    const node = { type: "record", name: "N", fields: [{ name: "next", type: ["null", "N"] }] };
    expect(jsonOf(node, { next: { N: { next: null } } })).toBe('{"next":{"next":null}}');
  });

  test("every long keeps its digits, with or without a logical type", () => {
    const read = compileAvro(avroSchema("long"));
    const readTime = compileAvro(avroSchema({ type: "long", logicalType: "timestamp-micros" }));
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        expect(read(longBytes(value))()).toBe(String(value));
        expect(readTime(longBytes(value))()).toBe(String(value));
      }),
    );
  });

  test("a long may have a default value", () => {
    const schema = { type: "record", name: "R", fields: [{ name: "l", type: "long", default: 5 }] };
    expect(compileAvro(avroSchema(schema))(longBytes(9n))()).toBe('{"l":9}');
  });
});

describe("references", () => {
  const b = { type: "record", name: "B", namespace: "x", fields: [{ name: "n", type: "int" }] };
  const a = { type: "record", name: "A", namespace: "x", fields: [{ name: "b", type: "x.B" }] };

  test("types of the references are known, and those of theirs", () => {
    const references = [
      { name: "x.B", text: JSON.stringify(b) },
      { name: "x.A", text: JSON.stringify(a) },
    ];
    expect(compileAvro(avroSchema({ type: "array", items: "x.A" }, references))(Buffer.from([2, 14, 0]))()).toBe(
      '[{"b":{"n":7}}]',
    );
  });

  test("a type that is missing is named", () => {
    expect(() => compileAvro(avroSchema(a))).toThrow("x.B");
  });
});

test.each([
  ["too few bytes", "string", [4, 65]],
  ["too many bytes", "int", [2, 0]],
  ["an unknown symbol", { type: "enum", name: "E", symbols: ["P"] }, [2]],
  ["an unknown branch", ["null", "int"], [8]],
])("refuses %s", (_what, schema, bytes) => {
  expect(() => compileAvro(avroSchema(schema))(Buffer.from(bytes))).toThrow();
});

test("random records survive the way to JSON and back", () => {
  const schema = {
    type: "record",
    name: "R",
    fields: [
      { name: "flag", type: "boolean" },
      { name: "int", type: "int" },
      { name: "double", type: "double" },
      { name: "text", type: "string" },
      { name: "bytes", type: "bytes" },
      { name: "list", type: { type: "array", items: "string" } },
      { name: "map", type: { type: "map", values: "int" } },
      { name: "maybe", type: ["null", "R"] },
    ],
  };
  const type = avro.Type.forSchema(schema as never, { wrapUnions: "always" });
  const read = compileAvro(avroSchema(schema));
  const text = fc.string({ unit: "grapheme" });
  const { record } = fc.letrec((tie) => ({
    record: fc.record({
      flag: fc.boolean(),
      int: fc.integer(),
      double: fc.double({ noNaN: true, noDefaultInfinity: true }),
      text,
      bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      list: fc.array(text),
      // An object's key of this name is its prototype.
      map: fc.dictionary(
        text.filter((key) => key !== "__proto__"),
        fc.integer(),
      ),
      maybe: fc.option(tie("record").map((R) => ({ R }))),
    }),
  }));
  interface Plain {
    readonly bytes: string;
    readonly maybe: Plain | null;
  }
  const restore = (plain: Plain): object => ({
    ...plain,
    bytes: Buffer.from(plain.bytes, "latin1"),
    maybe: plain.maybe === null ? null : { R: restore(plain.maybe) },
  });

  fc.assert(
    fc.property(record, (value) => {
      const bytes = type.toBuffer(value);
      expect(type.toBuffer(restore(JSON.parse(read(bytes)()) as Plain))).toEqual(bytes);
    }),
  );
});
