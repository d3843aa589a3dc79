import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import protobuf from "protobufjs";
import { compileProtobuf } from "./protobuf.ts";
import type { RegisteredSchema } from "./schema.ts";

const proto3 = (text: string): string => `syntax = "proto3"; package shop; ${text}`;

const schemaOf = (text: string, references: RegisteredSchema["references"] = []): RegisteredSchema => ({
  format: "PROTOBUF",
  text,
  references,
});

/** The first message of a file, which is a 0 before it. */
const first = (message: Uint8Array): Buffer => Buffer.concat([Buffer.from([0]), message]);

function typesOf(...texts: string[]): protobuf.Root {
  const root = new protobuf.Root();
  for (const text of texts) {
    for (const name of protobuf.parse(text, root, { keepCase: true }).imports ?? []) {
      root.addJSON(protobuf.common.get(name)?.nested ?? {});
    }
  }
  root.resolveAll();
  return root;
}

/** What a producer with protobufjs writes for `value`, as JSON. */
function jsonOf(text: string, value: object): unknown {
  const type = typesOf(text).lookupType("M");
  const message = type.encode(type.fromObject(value)).finish();
  return JSON.parse(compileProtobuf(schemaOf(text))(first(message))());
}

describe("Protobuf as JSON", () => {
  test("names are the schema's, and 64-bit numbers strings with all their digits", () => {
    const text = proto3("message M { int64 big_one = 1; uint64 other = 2; repeated sint64 more = 3; }");
    expect(jsonOf(text, { big_one: "-9223372036854775808", other: "18446744073709551615", more: ["1"] })).toEqual({
      big_one: "-9223372036854775808",
      other: "18446744073709551615",
      more: ["1"],
    });
  });

  test("what has its default value is left out, unless the field has presence", () => {
    const text = proto3(
      `message M { int32 a = 1; string b = 2; bytes c = 3; bool d = 4; int64 e = 5; E f = 6; repeated int32 g = 7;
        map<string, int32> h = 8; optional int32 i = 9; oneof j { string k = 10; } M l = 11; } enum E { ZERO = 0; }`,
    );
    const zero = { a: 0, b: "", c: "", d: false, e: 0, f: 0, g: [], h: {}, i: 0, k: "", l: {} };
    expect(jsonOf(text, zero)).toEqual({ i: 0, k: "", l: {} });
    // Written by a producer that does not leave it out.
    expect(compileProtobuf(schemaOf(text))(Buffer.from([0, 8, 0]))()).toBe("{}");
  });

  test("enums by name, unknown ones by number; bytes in base64; keys of maps as strings", () => {
    const text = proto3(
      `message M { E e = 1; E unknown = 2; bytes b = 3; map<int64, E> m = 4; map<bool, string> n = 5; }
        enum E { ZERO = 0; ONE = 1; }`,
    );
    const message = Buffer.from([8, 1, 16, 9, 26, 2, 104, 105, 34, 4, 8, 5, 16, 1, 42, 5, 8, 1, 18, 1, 120]);
    expect(JSON.parse(compileProtobuf(schemaOf(text))(first(message))())).toEqual({
      e: "ONE",
      unknown: 9,
      b: "aGk=",
      m: { "5": "ONE" },
      n: { true: "x" },
    });
  });

  test("fields that the schema does not know are skipped", () => {
    expect(compileProtobuf(schemaOf(proto3("message M { int32 a = 1; }")))(Buffer.from([0, 8, 1, 16, 2]))()).toBe(
      '{"a":1}',
    );
  });

  test("floats are as short as can be, and those that JSON has no number for are strings", () => {
    const text = proto3("message M { float a = 1; double b = 2; double c = 3; }");
    expect(jsonOf(text, { a: 1.1, b: Number.NaN, c: -0 })).toEqual({ a: 1.1, b: "NaN", c: -0 });
  });

  test("well-known types have forms of their own", () => {
    const names = ["timestamp", "duration", "struct", "wrappers", "field_mask", "empty", "any"];
    const text = proto3(
      `${names.map((name) => `import "google/protobuf/${name}.proto";`).join(" ")}
      message M {
        google.protobuf.Timestamp at = 1;
        google.protobuf.Duration took = 2;
        google.protobuf.Struct free = 3;
        google.protobuf.Int64Value wrapped = 4;
        google.protobuf.BytesValue bytes = 5;
        google.protobuf.FieldMask mask = 6;
        google.protobuf.Empty empty = 7;
        google.protobuf.Any own = 8;
        google.protobuf.Any foreign = 9;
        google.protobuf.Any time = 10;
        google.protobuf.NullValue nothing = 11;
        repeated google.protobuf.Value values = 12;
        google.protobuf.Duration back = 13;
      }`,
    );
    const any = (type: string, value: number[]) => ({
      type_url: `type.googleapis.com/${type}`,
      value: Buffer.from(value),
    });
    expect(
      jsonOf(text, {
        at: { seconds: -1, nanos: 120_000_000 },
        took: { seconds: 3, nanos: 1_000 },
        back: { nanos: -500_000_000 },
        free: { fields: { a: { numberValue: 1.5 }, b: { structValue: { fields: { c: { boolValue: false } } } } } },
        wrapped: {},
        bytes: { value: Buffer.from("hi") },
        mask: { paths: ["a_b.c_d", "e"] },
        empty: {},
        own: any("shop.M", [58, 0]),
        foreign: any("other.T", [1, 2]),
        time: any("google.protobuf.Duration", [8, 2]),
        nothing: 0,
        values: [{ nullValue: 0 }, { stringValue: "x" }, { listValue: { values: [{ numberValue: 2 }] } }, {}],
      }),
    ).toEqual({
      at: "1969-12-31T23:59:59.120Z",
      took: "3.000001s",
      back: "-0.500s",
      free: { a: 1.5, b: { c: false } },
      wrapped: "0",
      bytes: "aGk=",
      mask: "aB.cD,e",
      empty: {},
      own: { "@type": "type.googleapis.com/shop.M", empty: {} },
      foreign: { "@type": "type.googleapis.com/other.T", value: "AQI=" },
      time: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "2s" },
      values: [null, "x", [2], null],
    });
  });

  test("a timestamp that RFC 3339 cannot write is invalid", () => {
    const text = proto3('import "google/protobuf/timestamp.proto"; message M { google.protobuf.Timestamp at = 1; }');
    expect(() => jsonOf(text, { at: { seconds: 253_402_300_800 } })).toThrow("outside the years");
  });

  test("proto2: groups, extensions, and required fields", () => {
    const text = `syntax = "proto2"; package shop;
      message M { required int32 must = 1; optional group G = 2 { optional int32 a = 3; } extensions 100 to 200; }
      extend M { optional int32 extra = 100; }`;
    expect(jsonOf(text, { must: 0, g: { a: 1 }, ".shop.extra": 2 })).toEqual({
      must: 0,
      g: { a: 1 },
      "[shop.extra]": 2,
    });
    expect(() => compileProtobuf(schemaOf(text))(first(Buffer.alloc(0)))).toThrow("must");
  });
});

describe("which message", () => {
  const text = `syntax = "proto2"; package shop;
    import "other.proto";
    enum E { ZERO = 0; }
    message A { optional group G = 1 { optional int32 x = 2; } message B { optional int32 b = 1; } enum F { ONE = 1; }
      message C { message D { optional int32 d = 1; } } }
    message Z { optional other.O o = 1; }`;
  const other = 'syntax = "proto3"; package other; message O { int32 o = 1; }';
  const read = compileProtobuf(schemaOf(text, [{ name: "other.proto", text: other }]));

  test.each([
    [[4, 0, 0], { b: 5 }],
    [[6, 0, 2, 0], { d: 5 }],
  ])("indexes %j count messages only, level by level", (indexes, json) => {
    expect(JSON.parse(read(Buffer.from([...indexes, 8, 5]))())).toEqual(json);
  });

  test("indexes count the messages of the file, not those it imports", () => {
    expect(read(Buffer.from([2, 2, 10, 2, 8, 5]))()).toBe('{"o":{"o":5}}');
    expect(() => read(Buffer.from([2, 4]))).toThrow("no message at [2]");
  });
});

describe("schemas that cannot be read", () => {
  test("syntax", () => {
    expect(() => compileProtobuf(schemaOf("message {"))).toThrow();
  });

  test("a type of a reference that is missing", () => {
    expect(() => compileProtobuf(schemaOf(proto3('import "x.proto"; message M { x.X x = 1; }')))).toThrow("x.X");
  });
});

test("random messages survive the way to JSON and back", () => {
  const text = proto3(
    `message M {
      int32 a = 1; int64 b_c = 2; uint64 d = 3; double e = 4; float f = 5; string g = 6; bytes h = 7; bool i = 8;
      E j = 9; repeated sfixed64 k = 10; map<string, M> l = 11; map<sint64, bool> m = 12; optional int32 n = 13;
      oneof o { string p = 14; M q = 15; }
    }
    enum E { ZERO = 0; ONE = 1; }`,
  );
  const type = typesOf(text).lookupType("M");
  const read = compileProtobuf(schemaOf(text));
  const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String);
  const word = fc.string({ unit: "grapheme-ascii" }).filter((key) => key !== "__proto__");
  const { message } = fc.letrec((tie) => ({
    message: fc.record(
      {
        a: fc.integer(),
        b_c: int64,
        d: fc.bigInt(0n, 2n ** 64n - 1n).map(String),
        e: fc.double(),
        f: fc.float(),
        g: fc.string({ unit: "grapheme" }),
        h: fc.uint8Array(),
        i: fc.boolean(),
        j: fc.constantFrom(0, 1),
        k: fc.array(int64),
        l: fc.dictionary(word, tie("message"), { maxKeys: 2 }),
        n: fc.integer(),
        p: word,
      },
      { requiredKeys: [] },
    ),
  }));
  const plain = (bytes: Uint8Array) =>
    type.toObject(type.decode(bytes), { longs: String, bytes: String, defaults: true, oneofs: true });

  fc.assert(
    fc.property(message, (value) => {
      const bytes = type.encode(type.fromObject(value as object)).finish();
      const again = type.encode(type.fromObject(JSON.parse(read(first(bytes))()) as object)).finish();
      expect(plain(again)).toEqual(plain(bytes));
    }),
    { numRuns: 200 },
  );
});
