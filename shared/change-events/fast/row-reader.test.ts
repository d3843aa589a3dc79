import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  ChangeEventError,
  type ColumnReader,
  decodeRecord,
  optional,
  readCents,
  readInteger,
  readText,
  readTimestampMicros,
} from "../index.ts";
import {
  base64OfUnscaled,
  type Cell,
  type Cells,
  doubleDecimal,
  int32,
  int64,
  LOGICAL_MESSAGE,
  message,
  preciseDecimal,
  SOURCE,
  TRANSACTION,
  text,
  textDecimal,
  timestampIso,
  timestampMs,
  timestampUs,
  variableScaleDecimal,
} from "../samples.ts";
import { type Field, RowReader } from "./row-reader.ts";

// --- what is compared ----------------------------------------------------------------------------------------------

const range = { minimum: -(2 ** 52), maximum: 2 ** 52 };
const readers = { integer: readInteger, cents: readCents, micros: readTimestampMicros } as const;

function fieldOf(column: string, form: Field["form"], isNeeded: boolean, limits = range): Field {
  if (form === "text") {
    const read: ColumnReader<string | null, []> = isNeeded ? readText : optional(readText);
    return { column, form, read: (row) => read(row, column) };
  }
  const read: ColumnReader<number | null, []> = isNeeded ? readers[form] : optional<number, []>(readers[form]);
  return {
    column,
    form,
    ...limits,
    read: (row) => {
      const value = read(row, column);
      if (value === null || (value >= limits.minimum && value <= limits.maximum)) return value;
      throw new ChangeEventError("CHANGE_EVENT_VALUE_OUT_OF_RANGE", `${column} is ${value}`, { column });
    },
  };
}

const transactionFields = [
  fieldOf("id", "integer", true),
  fieldOf("amount", "cents", true, { minimum: 0, maximum: 9_999_999_999 }),
  fieldOf("card_type", "text", false),
  fieldOf("created_at", "micros", false),
];

type Outcome = { op: string; committedAtMicros?: number; values?: (number | string | null)[] } | { error: string };

function attempt(work: () => Outcome): Outcome {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ChangeEventError)) throw error;
    return { error: `${error.code} ${error.column}: ${error.message}` };
  }
}

/** The plain path, which is the definition. */
function plainly(fields: readonly Field[], value: string | null): Outcome {
  return attempt(() => {
    const decoded = decodeRecord({ value });
    if (decoded.kind === "tombstone") return { op: "tombstone" };
    const { op, source, after } = decoded.event;
    const outcome = { op, committedAtMicros: source.committedAtMicros };
    if (op !== "c" && op !== "r") return outcome;
    return { ...outcome, values: fields.map((field) => field.read(after)) };
  });
}

function outcomeOf(reader: RowReader, fields: readonly Field[]): Outcome {
  const { op, committedAtMicros, numbers, texts } = reader;
  if (op === "tombstone") return { op };
  if (op !== "c" && op !== "r") return { op, committedAtMicros };
  const numberAt = (i: number) => (Number.isNaN(numbers[i]) ? null : (numbers[i] as number));
  const values = fields.map(({ form }, i) => (form === "text" ? (texts[i] as string | null) : numberAt(i)));
  return { op, committedAtMicros, values };
}

const base64 = (value: string | Uint8Array) => Buffer.from(value as string).toString("base64");

/** Reads all of them with one reader, which learns on the way, and compares each with the plain path. */
function expectSame(values: readonly (string | null)[], fields: readonly Field[] = transactionFields): void {
  const reader = new RowReader(fields);
  for (const value of values) {
    const outcome = attempt(() => {
      reader.read({ value });
      return outcomeOf(reader, fields);
    });
    expect(outcome).toEqual(plainly(fields, value));
  }
}

// --- random tables -------------------------------------------------------------------------------------------------

const anyText = fc.oneof(
  fc.constantFrom("VISA", "AMEX", "", "__debezium_unavailable_value", "NaN", "Infinity", "12E4", "5000", "1.5", "null"),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('"', "\\", "\n", "\u0000", "\u007f", "é", "\ud800", "💳", "/", "A") }),
);
const cents = fc.oneof(fc.integer({ min: -1, max: 9_999_999_999 }), fc.maxSafeInteger());
const cell: fc.Arbitrary<Cell> = fc.oneof(
  fc.oneof(fc.integer(), fc.constantFrom(0, -0, 7)).map(int32),
  fc.maxSafeInteger().map(int64),
  fc.constantFrom(2 ** 53, 2 ** 63, 1e21, 0.5, -1e-7).map(int64),
  anyText.map(text),
  fc.constant(text(null)),
  fc.constant(int32(null)),
  fc.tuple(cents, fc.constantFrom(2, 2, 2, 0, 4)).map(([unscaled, scale]) => preciseDecimal(BigInt(unscaled), scale)),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((unscaled) => preciseDecimal(unscaled)),
  cents.map((each) => textDecimal(`${each < 0 ? "-" : ""}${(Math.abs(each) / 100).toFixed(2)}`)),
  fc
    .constantFrom("0.00", "00.10", "1.005", "7", "5000", "1E3", "-0.00", "+nan", "123456789012345678.90")
    .map(textDecimal),
  fc.double({ min: -1e9, max: 1e9, noNaN: true }).map(doubleDecimal),
  fc.tuple(fc.integer(), fc.nat({ max: 4 })).map(([unscaled, scale]) => variableScaleDecimal(BigInt(unscaled), scale)),
  fc.integer({ min: 0, max: 4e15 }).map(timestampUs),
  fc.constantFrom(99_999_999_999_999, 1e14, 2 ** 53 - 1, 1_793_534_400_123_456).map(timestampUs),
  fc.integer({ min: 0, max: 4e12 }).map(timestampMs),
  fc.constant(timestampIso("2026-11-01T12:00:00.123456Z")),
  fc.jsonValue({ maxDepth: 3 }).map((value) => ({ value, schema: { type: "struct" } })),
);
const columnName = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("id", "amount", "card_type", "created_at", "user_id") },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constantFrom("a\\b", 'q"', "__proto__", "schema", "payload", "op", "") },
);

/** A table as it is for a while: its columns in some order, each with a few values that occur in it. */
const table = fc.record({
  columns: fc.uniqueArray(fc.tuple(columnName, fc.array(cell, { minLength: 1, maxLength: 4 })), {
    selector: ([name]) => name,
    maxLength: 7,
  }),
  schemas: fc.boolean(),
});

const sources = fc.constantFrom<Record<string, unknown>>(
  {},
  { ts_us: undefined },
  { ts_us: null },
  { ts_us: 0 },
  { ts_us: -5 },
  { ts_us: 1e17 },
  { lsn: null, txId: null },
  { lsn: 2 ** 53, txId: 5 },
  { lsn: 0, txId: 99 },
  { snapshot: "last" },
  { snapshot: true },
  { schema: "other", table: "t" },
  { schema: 5 },
  { "": { deep: [1, { x: "y" }] } },
);

const change = fc.record({
  table: fc.nat({ max: 2 }),
  op: fc.constantFrom("c", "c", "c", "c", "r", "u", "d", "t", "x"),
  cells: fc.array(fc.nat({ max: 3 }), { minLength: 7, maxLength: 7 }),
  withBefore: fc.boolean(),
  source: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: sources }),
  clock: fc.nat({ max: 1e6 }),
});

type Table = { columns: [string, Cell[]][]; schemas: boolean };
type Change = (typeof change extends fc.Arbitrary<infer T> ? T : never) & object;

function textOf(tables: readonly Table[], { table: which, op, cells, withBefore, source, clock }: Change): string {
  const { columns, schemas } = tables[which % tables.length] as Table;
  const row = (shift: number): Cells =>
    Object.fromEntries(columns.map(([name, some], i) => [name, some[((cells[i] ?? 0) + shift) % some.length] as Cell]));
  const moved = { ts_us: SOURCE.ts_us + clock, lsn: SOURCE.lsn + 8 * clock, sequence: `["${clock}","${clock + 1}"]` };
  return JSON.stringify(
    message({
      op,
      schemas,
      before: withBefore ? row(1) : null,
      after: op === "d" || op === "t" ? null : row(0),
      source: { ...moved, ...source },
    }),
  );
}

describe("says what the plain path says", () => {
  test("of random tables, types and values, that change in mid-stream", () => {
    const fields = fc.uniqueArray(
      fc.tuple(columnName, fc.constantFrom<Field["form"]>("integer", "cents", "text", "micros"), fc.boolean()),
      { selector: ([name]) => name, maxLength: 5 },
    );
    fc.assert(
      fc.property(
        fc.array(table, { minLength: 1, maxLength: 3 }),
        fields,
        fc.array(change, { maxLength: 30 }),
        (tables, wanted, changes) => {
          expectSame(
            changes.map((each) => base64(textOf(tables as Table[], each))),
            wanted.map(([column, form, isNeeded]) => fieldOf(column, form, isNeeded)),
          );
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("of each kind of value that comes again and again", () => {
    const forms = fc.constantFrom<Field["form"]>("integer", "cents", "text", "micros");
    fc.assert(
      fc.property(
        cell,
        fc.array(anyText),
        forms,
        fc.boolean(),
        fc.boolean(),
        (like, others, form, isNeeded, schemas) => {
          const values = [like.value, ...others.filter(() => typeof like.value === "string"), like.value];
          const texts = values.map((value) => {
            const after = { id: int32(1), column: { ...like, value } };
            return base64(JSON.stringify(message({ op: "c", schemas, after })));
          });
          expectSame([...texts, ...texts], [fieldOf("column", form, isNeeded)]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  const rows = (count: number, schemas: boolean) =>
    Array.from({ length: count }, (_, i) =>
      JSON.stringify(
        message({
          op: "c",
          schemas,
          after: { ...TRANSACTION, id: int32(41 + 7 * i), amount: i % 2 ? textDecimal("12.34") : textDecimal("5.00") },
          source: { ts_us: SOURCE.ts_us + i, lsn: SOURCE.lsn + i, sequence: `["${i}",null]` },
        }),
      ),
    );

  /** Messages that differ in every value, so that a reader who has seen them takes none for granted. */
  const varied = (i: number, schemas: boolean, op = "c") => {
    const { source, ...rest } = {
      ...SOURCE,
      source: { lsn: i % 3 === 0 ? null : 70 + i, txId: i % 4 === 0 ? null : 80 + i },
    };
    const texts = {
      version: `3.${i}`,
      connector: `c${i}`,
      name: `n${i}`,
      db: `d${i}`,
      schema: `s${i}`,
      table: `t${i}`,
    };
    const times = { ts_ms: rest.ts_ms + i, ts_us: rest.ts_us + i, ts_ns: rest.ts_ns + 1000 * i };
    const made = message({
      op,
      schemas,
      before: i % 2 === 0 ? null : { ...TRANSACTION, id: int32(i) },
      after: {
        id: int32(1 + i),
        amount: textDecimal(`${1 + i}.50`),
        card_type: text(`CARD${i}`),
        created_at: timestampUs(1_793_534_400_000_000 + i),
        merchant_id: int32(900 + i),
        note: text(`n ${i}`),
      },
      source: {
        ...rest,
        ...texts,
        ...times,
        ...source,
        sequence: `[null,"${i}"]`,
        snapshot: i % 2 === 0 ? "false" : "last",
      },
    });
    const payload = "payload" in made ? made.payload : made;
    Object.assign(payload, {
      transaction: i % 2 === 0 ? null : { id: `x${i}` },
      ts_ms: 5 + i,
      ts_us: 6 + i,
      ts_ns: 7 + i,
    });
    return made;
  };
  const raw = fc.oneof(
    fc.constantFrom(
      "null",
      "0",
      "5",
      "-5",
      "-0",
      "05",
      "1.5",
      "1e3",
      "9007199254740993",
      "true",
      "{}",
      "[]",
      '""',
      '"a"',
    ),
    fc.constantFrom(
      '{"x":1}',
      '[1,{"y":[]}]',
      '"\\u0041"',
      '"\\x"',
      '"é"',
      "tru",
      "{",
      '"',
      "",
      "1 ",
      " 1",
      '{"id":1,"id":2}',
      "NaN",
    ),
    fc.constantFrom(
      '"__debezium_unavailable_value"',
      '"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="',
      '"Infinity"',
      '"5000"',
    ),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  );

  test.each([
    { schemas: false, op: "c" },
    { schemas: true, op: "c" },
    { schemas: false, op: "u" },
    { schemas: true, op: "d" },
  ])("of another value than ever before in any place, schemas.enable=$schemas, op $op", ({ schemas, op }) => {
    const known = Array.from({ length: 12 }, (_, i) => varied(i, schemas, op));
    const envelope = (made: object) => ("payload" in made ? made.payload : made) as Record<string, unknown>;
    const places = ["after", "source"].flatMap((part) =>
      Object.keys(envelope(known[0] as object)[part] as object).map((key) => [part, key] as const),
    );
    const top = Object.keys(envelope(known[0] as object)).map((key) => [key] as const);
    const replaced = (made: object, place: readonly string[], text: string) => {
      const copy = structuredClone(made);
      const [first = "", second] = place;
      const holder = second === undefined ? envelope(copy) : (envelope(copy)[first] as Record<string, unknown>);
      holder[second ?? first] = "@";
      return JSON.stringify(copy).replace('"@"', () => text);
    };
    const change = fc.tuple(fc.nat({ max: 11 }), fc.constantFrom(...places, ...top), raw);
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const changed = changes.map(([i, place, text]) => replaced(known[i] as object, place, text));
        expectSame([...known.map((each) => JSON.stringify(each)), ...changed, ...changed].map(base64));
      }),
      { numRuns: 1_000 },
    );
  });

  test("of columns that come and go", () => {
    const { card_type, ...withoutCard } = TRANSACTION;
    const { created_at, ...withoutTime } = TRANSACTION;
    const tables = [TRANSACTION, withoutCard, withoutTime, { card_type: card_type as Cell, ...withoutCard }];
    const values = Array.from({ length: 60 }, (_, i) =>
      message({
        op: i % 11 === 0 ? "r" : "c",
        after: { ...(tables[i % 4] as Cells), id: int32(i) },
        schemas: i % 7 === 0,
      }),
    );
    expectSame(values.map((each) => base64(JSON.stringify(each))));
  });

  test.each([
    ["twice", '"card_type":"VISA"', '"card_type":"VISA","card_type":"AMEX"'],
    ["escaped", '"card_type":', '"card\\u005ftype":'],
    ["twice, one of them escaped", '"card_type":"VISA"', '"card_type":"VISA","card\\u005ftype":"AMEX"'],
    ["twice in the source", '"table":"transactions"', '"table":"transactions","table":5'],
    ["op twice", '"op":"c"', '"op":"c","op":"u"'],
    ["after twice, the last one with less in it", '"op":"c"', '"op":"c","after":{"id":1,"amount":"1.00"}'],
    ["after twice", '"op":"c"', '"op":"c","after":{"id":1}'],
    ["white space", '"op":"c"', '"op": "c"'],
    ["payload first", '"op":"c"', '"op":"c" '],
  ])("of keys that come %s", (_, from, to) => {
    const values = rows(6, false).map((value) => value.replace(from, to));
    expectSame([...rows(3, false), ...values, ...values].map(base64));
  });

  // Messages that a learned reader knows, damaged: every byte of them has to count.
  const damage = fc.record({
    at: fc.nat(),
    kind: fc.constantFrom("replace", "delete", "insert", "cut", "repeat", "swap"),
    bytes: fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 3 }),
      fc
        .constantFrom(
          '"',
          "\\",
          ",",
          "}",
          "{",
          "0",
          "9",
          "-",
          ".",
          "e",
          " ",
          "null",
          "\u00e9",
          ',"id":1',
          "[]",
          "\\u00e",
        )
        .map((some) => Uint8Array.from(Buffer.from(some))),
    ),
  });

  function damaged(value: string, { at, kind, bytes }: { at: number; kind: string; bytes: Uint8Array }): Buffer {
    const buffer = Buffer.from(value);
    const place = at % (buffer.length + 1);
    const before = buffer.subarray(0, place);
    switch (kind) {
      case "replace":
        return Buffer.concat([before, bytes, buffer.subarray(place + bytes.length)]);
      case "delete":
        return Buffer.concat([before, buffer.subarray(place + bytes.length)]);
      case "insert":
        return Buffer.concat([before, bytes, buffer.subarray(place)]);
      case "cut":
        return before;
      case "repeat":
        return Buffer.concat([buffer, before]);
      default:
        return Buffer.concat([buffer.subarray(place), before]);
    }
  }

  test.each([{ schemas: false }, { schemas: true }])("of damaged messages, schemas.enable=$schemas", ({ schemas }) => {
    const known = rows(4, schemas);
    const payloadAt = (known[0] as string).indexOf('"after"', schemas ? (known[0] as string).indexOf('"payload"') : 0);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat({ max: 3 }), fc.boolean(), damage), { maxLength: 12 }), (damages) => {
        const values = damages.flatMap(([which, inPayload, each]) => {
          const value = known[which] as string;
          const at = inPayload ? payloadAt + (each.at % (value.length - payloadAt)) : each.at;
          return [base64(value), base64(damaged(value, { ...each, at }))];
        });
        expectSame([...known.map(base64), ...values, ...known.map(base64)]);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    { column: "id", form: "integer", known: ["1", "2"], odd: ["-0", "null", '"7"'], last: "3" },
    { column: "c", form: "text", known: ['"a"', '"b"'], odd: ['"é"', '"\\u00e9"', "null"], last: '"visa"' },
    { column: "a", form: "cents", known: ['"1.00"', '"2.00"'], odd: ["7", '"-1.00"', "null"], last: '"3.00"' },
    { column: "t", form: "micros", known: ["1700000000000001", "1700000000000002"], odd: ["5", "null"], last: "17e14" },
  ] as const)(
    "of a column that comes twice, the first time in an odd form: $form",
    ({ column, form, known, odd, last }) => {
      const withBoth = (first: string, second: string) =>
        `{"before":null,"after":{"${column}":${first},"${column}":${second}},"source":{"schema":"public","table":"t",` +
        `"ts_us":1700000000000000,"lsn":5,"txId":6},"op":"c"}`;
      const learned = [withBoth(known[0], known[1]), withBoth(known[1], known[0]), withBoth(known[0], known[1])];
      const values = odd.flatMap((each) => [withBoth(each, last), withBoth(last, each), withBoth(each, known[0])]);
      expectSame([...learned, ...values].map(base64), [fieldOf(column, form, false)]);
    },
  );

  test("of one column only once", () => {
    const twice = [fieldOf("a", "integer", false), fieldOf("a", "cents", false)];
    expect(() => new RowReader(twice)).toThrow("column a");
  });

  test("of a message in which any one byte is another one", () => {
    // Names of one letter and more, so that what lies between two values is of every length.
    const rowOf = (i: number): Cells => ({
      ...{ a: int32(i), ab: int32(i), abc: int32(i), abcd: int32(i), abcde: int32(i), abcdef: int32(i) },
      ...{ id: int32(i), amount: textDecimal(`${i}.25`), card_type: text("VISA"), created_at: timestampUs(1e15 + i) },
    });
    const known = [11, 22, 33, 44].map((i) => JSON.stringify(message({ op: "c", schemas: false, after: rowOf(i) })));
    const whole = Buffer.from(known[3] as string);
    const damaged = [0x01, 0x20, 0x30].map((change) =>
      Array.from(whole.keys(), (i) => {
        const copy = Buffer.from(whole);
        copy[i] = (copy[i] as number) ^ change;
        return copy;
      }),
    );
    expectSame([...known, ...damaged.flat()].map((each) => base64(each)));
  });

  test("of what is not base64", () => {
    const known = rows(3, false).map(base64);
    const [first = ""] = known;
    fc.assert(
      fc.property(fc.nat({ max: first.length }), fc.string({ maxLength: 3 }), fc.nat({ max: 2 }), (at, some, cut) => {
        expectSame([...known, first.slice(0, at) + some + first.slice(at + cut), first]);
      }),
      { numRuns: 500 },
    );
  });

  test("of tombstones, logical messages, and JSON that is no envelope", () => {
    const others = ["null", "5", "[]", "{}", '{"schema":null,"payload":null}', JSON.stringify(LOGICAL_MESSAGE), ""];
    const known = rows(3, false);
    expectSame([null, ...known.map(base64), ...others.map(base64), null, ...known.map(base64)]);
  });

  test("of an empty text and of one that is shorter than those before, whose rest still lies in the buffer", () => {
    const [long = "", other = ""] = rows(2, false);
    const values = [long, other, long.slice(0, -1), long.slice(0, -40), "", long];
    expectSame(values.map(base64));
  });

  test("of decimals that could be base64, and of base64 that could be decimals", () => {
    const amounts = [
      "AeJA",
      "BQ==",
      "AlQL4/8=",
      "5000",
      "12E4",
      "Infinity",
      "infinity",
      "+NaN",
      "-NaN",
      "+Inf",
      "ABC=",
    ];
    const values = [...amounts, base64OfUnscaled(-1n), base64OfUnscaled(2n ** 47n), "", "A", "AB==", "////", "++++"];
    values.push("A===", "====", "AAAAA===", "AAAA====");
    const safe = [
      "1.2x",
      "1.x2",
      "1.23",
      "99999999999999.99",
      "45035996273704.97",
      "90071992547409.91",
      "90071992547409.93",
    ];
    const everywhere = { minimum: Number.NEGATIVE_INFINITY, maximum: Number.POSITIVE_INFINITY };
    for (const schemas of [false, true]) {
      for (const like of [preciseDecimal(1n), textDecimal("1")]) {
        const messages = ["AeJA", "AeJB", "1.00", "2.00", ...values, ...safe].map((value) =>
          message({ op: "c", schemas, after: { ...TRANSACTION, amount: { ...like, value } } }),
        );
        const texts = messages.map((each) => base64(JSON.stringify(each)));
        expectSame(texts);
        expectSame(texts, [fieldOf("amount", "cents", true)]);
        expectSame(texts, [fieldOf("amount", "cents", true, everywhere)]);
      }
    }
  });

  test("of numbers that only JSON text can have", () => {
    const known = rows(4, false);
    const numbers = [
      "-0",
      "0",
      "-1",
      "1.0",
      "1e2",
      "01",
      "-",
      "9007199254740991",
      "9007199254740993",
      "12345678901234567890",
      // As 64 bits these would be 123, and a time of this decade.
      "18446744073709551739",
      "18448537608109675072",
      "0123456789",
    ];
    const values = numbers.flatMap((number) =>
      ["id", "user_id", "created_at", "lsn", "ts_us", "ts_ms"].map((key) =>
        (known[3] as string).replace(new RegExp(`"${key}":\\d+`), `"${key}":${number}`),
      ),
    );
    expectSame([...known, ...values].map(base64));
    expectSame([...known, ...values].map(base64), [
      fieldOf("user_id", "integer", true),
      fieldOf("created_at", "micros", true),
    ]);
  });

  test("of messages of a megabyte", () => {
    const large = (id: number) => {
      const after = { ...TRANSACTION, id: int32(id), note: text("x".repeat(1_100_000)) };
      return JSON.stringify(message({ op: id % 2 === 0 ? "u" : "c", before: after, after }));
    };
    expectSame([large(1), large(2), large(3), large(4), large(5)].map(base64));
  });

  test("of a long message that was cut off where the memory ends", () => {
    const noteOf = (length: number) => {
      const after = { ...TRANSACTION, note: text("x".repeat(length)) };
      return JSON.stringify(message({ op: "c", after }));
    };
    const known = [noteOf(5), noteOf(66), noteOf(777)];
    // The matcher begins with three pages. What is compared next is longer than a step, so the last one that fits ends before it.
    const [pagesEnd, step] = [3 * 65_536, 90];
    const cuts = Array.from({ length: 150 }, (_, i) => {
      const long = noteOf(pagesEnd - 150 * step + i * step);
      return long.slice(0, long.indexOf('x"') + 2);
    });
    expectSame([...known, ...cuts].map(base64));
  });
});

describe("is worth it", () => {
  /** How often the plain path was needed. */
  function readPlainlyOf(values: readonly string[], fields: readonly Field[]): number {
    let count = 0;
    const counted = fields.map((field, i): Field => {
      if (i > 0) return field;
      const { read } = field;
      const counting = (row: Parameters<typeof read>[0]) => {
        count++;
        return read(row);
      };
      return { ...field, read: counting } as Field;
    });
    const reader = new RowReader(counted);
    for (const value of values) reader.read({ value });
    return count;
  }

  test.each([
    { schemas: false, amount: (i: number) => textDecimal(`${i}.05`) },
    { schemas: true, amount: (i: number) => textDecimal(`${i}.05`) },
    { schemas: false, amount: (i: number) => preciseDecimal(BigInt(100 * i + 5)) },
    { schemas: true, amount: (i: number) => preciseDecimal(BigInt(100 * i + 5)) },
  ])("after a few messages nothing takes the plain path: %j", ({ schemas, amount }) => {
    const values = Array.from({ length: 1_000 }, (_, i) =>
      base64(
        JSON.stringify(
          message({
            op: i % 50 === 0 ? "u" : "c",
            schemas,
            before: i % 50 === 0 ? { ...TRANSACTION, id: int32(i) } : null,
            after: {
              ...TRANSACTION,
              id: int32(i),
              amount: amount(i),
              merchant_id: int32(i % 7 === 0 ? null : i),
              card_type: text(i % 5 === 0 ? "Müller 💳" : "VISA"),
              note: text(i % 3 === 0 ? null : `line\n"${i}"`),
            },
            source: {
              ts_us: SOURCE.ts_us + i,
              txId: i >> 3,
              lsn: i % 11 === 0 ? null : i,
              snapshot: i < 5 ? "first" : "false",
            },
          }),
        ),
      ),
    );
    expectSame(values);
    expect(readPlainlyOf(values, transactionFields)).toBeLessThan(12);
  });

  test("a column that is added is learned at once", () => {
    const before = Array.from({ length: 50 }, (_, i) => message({ op: "c", after: { ...TRANSACTION, id: int32(i) } }));
    const after = Array.from({ length: 50 }, (_, i) =>
      message({ op: "c", after: { ...TRANSACTION, id: int32(i), country: text("NZ") } }),
    );
    const values = [...before, ...after, ...before].map((each) => base64(JSON.stringify(each)));
    expectSame(values);
    expect(readPlainlyOf(values, transactionFields)).toBeLessThan(6);
  });
});
