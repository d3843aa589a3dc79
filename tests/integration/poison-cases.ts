import type { Judges } from "./ledger.ts";

/** Columns and their values, as `after` has them. */
export type Row = Record<string, unknown>;

/** What the value of a record is made of. */
export interface Sample {
  readonly row: Row;
  /** As Debezium wrote one on this stack. */
  readonly envelope: Record<string, unknown>;
}

/** The value of a Kafka record about a row. */
export type Value = (sample: Sample) => string | Buffer | null;

export interface Case {
  readonly what: string;
  readonly value: Value;
}

/** A record that an agent cannot judge. */
export interface Poison extends Case {
  /** As the agent logs it. */
  readonly code: string;
  /** profile does not need to know when. */
  readonly judges: Exclude<Judges, "both">;
}

/** The message of the row with something else in some columns; undefined takes a column away. */
export function written({ row, envelope }: Sample, columns: Row = {}): string {
  return JSON.stringify({ ...envelope, after: { ...row, ...columns } });
}

/** The message with bytes in a column that JSON.stringify would not write. */
function writtenRaw(sample: Sample, column: string, bytes: string | Buffer): Buffer {
  const [before = "", after = ""] = written(sample, { [column]: "<here>" }).split('"<here>"');
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
}

export const microsOf = (iso: string) => Date.parse(iso) * 1_000;

/** A topic takes records of up to 1 MB unless it is told otherwise. */
const hugeBytes = 900_000;

function casesOf(values: Record<string, Value>): Case[] {
  return Object.entries(values).map(([what, value]) => ({ what, value }));
}

function messages(code: string, values: Record<string, Value>): Poison[] {
  return casesOf(values).map((each) => ({ ...each, code, judges: "nobody" }));
}

/** Values of a column, each a case of its own; undefined where the row does not have the column. */
function columns(column: string, code: string, ...values: unknown[]): Poison[] {
  return values.map((value) => ({
    what: `${column} ${value === undefined ? "left out" : JSON.stringify(value)}`,
    value: (sample) => written(sample, { [column]: value }),
    code,
    judges: column === "created_at" ? "profile" : "nobody",
  }));
}

export const poisons: readonly Poison[] = [
  ...messages("CHANGE_EVENT_NOT_JSON", {
    "no JSON": () => "poison",
    "truncated JSON": (sample) => written(sample).slice(0, -20),
    "JSON with something behind it": (sample) => `${written(sample)}}`,
    "JSON behind a byte order mark": (sample) => `\uFEFF${written(sample)}`,
    // In columns that every message has and no rule needs: who reads only what it needs would overlook these.
    "bytes that are not UTF-8": (sample) => writtenRaw(sample, "card_type", Buffer.from([0x22, 0xc3, 0x28, 0x22])),
    "a surrogate in UTF-8": (sample) => writtenRaw(sample, "card_type", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])),
    "a line break in a text": (sample) => writtenRaw(sample, "card_type", '"VI\nSA"'),
    "an escape that JSON has not": (sample) => writtenRaw(sample, "card_type", '"\\x41MEX"'),
    "a word that JSON has not": (sample) => writtenRaw(sample, "merchant_id", "none"),
    "a sign that JSON has not": (sample) => writtenRaw(sample, "merchant_id", "+1"),
    "a number with a zero too many": (sample) => writtenRaw(sample, "merchant_id", "01"),
    "NaN, bare": (sample) => writtenRaw(sample, "amount", "NaN"),
    "no bytes at all": () => Buffer.alloc(0),
    "900 KB that are no JSON": () => Buffer.alloc(hugeBytes, "poison "),
  }),
  ...messages("CHANGE_EVENT_NOT_AN_ENVELOPE", {
    "a JSON array": (sample) => `[${written(sample)}]`,
    "a JSON text": () => '"c"',
    "a row without envelope": ({ row }) => JSON.stringify(row),
    "an unknown op": ({ row, envelope }) => JSON.stringify({ ...envelope, after: row, op: "x" }),
    "an insert without a row": ({ envelope }) => JSON.stringify({ ...envelope, after: null }),
    "an insert without source": ({ row, envelope }) => JSON.stringify({ ...envelope, after: row, source: undefined }),
    "a payload that is an array": () => '{"schema":null,"payload":[]}',
    "a schema that says nothing of the row": (sample) =>
      `{"schema":{"type":"struct","fields":[]},"payload":${written(sample)}}`,
  }),
  ...columns("id", "CHANGE_EVENT_COLUMN_MISSING", undefined),
  ...columns("id", "CHANGE_EVENT_COLUMN_TYPE", "17", 1.5),
  ...columns("id", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", 0, -1),
  ...columns("user_id", "CHANGE_EVENT_COLUMN_MISSING", undefined),
  ...columns("user_id", "CHANGE_EVENT_COLUMN_NULL", null),
  ...columns("user_id", "CHANGE_EVENT_COLUMN_TYPE", "17"),
  ...columns("user_id", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", 2 ** 40),
  ...columns("amount", "CHANGE_EVENT_COLUMN_MISSING", undefined),
  ...columns("amount", "CHANGE_EVENT_COLUMN_NULL", null),
  ...columns("amount", "CHANGE_EVENT_COLUMN_TYPE", "12,50", "012.50", true),
  ...columns("amount", "CHANGE_EVENT_VALUE_NOT_WHOLE_CENTS", "12.345", 0.001),
  ...columns("amount", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", "NaN", "Infinity", "-12.50", "100000000.00"),
  ...columns("amount", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", "1E+30", 1e30, String(10n ** 30n)),
  // Four characters that are a number as well as the base64 of one: never guessed.
  ...columns("amount", "CHANGE_EVENT_VALUE_AMBIGUOUS", "1e30"),
  ...columns("created_at", "CHANGE_EVENT_COLUMN_MISSING", undefined),
  ...columns("created_at", "CHANGE_EVENT_COLUMN_NULL", null),
  ...columns("created_at", "CHANGE_EVENT_COLUMN_TYPE", "yesterday"),
  ...columns("created_at", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", microsOf("9999-12-31T23:59:59Z"), "9999-12-31T23:59:59Z"),
  ...columns("created_at", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", "1970-01-01T00:00:00Z", "infinity"),
  ...columns("created_at", "CHANGE_EVENT_VALUE_OUT_OF_RANGE", -microsOf("2026-11-24T00:00:00Z")),
  // Days, seconds or microseconds? Too small to tell.
  ...columns("created_at", "CHANGE_EVENT_VALUE_AMBIGUOUS", 0, -1, microsOf("1970-01-02T00:00:00Z")),
];

/** Nothing is wrong with these. */
export const unusual: readonly Case[] = casesOf({
  "written over many lines": (sample) => JSON.stringify(JSON.parse(written(sample)), undefined, 2),
  "with its fields in another order": ({ row, envelope }) => {
    const reversed = (object: object) => Object.fromEntries(Object.entries(object).reverse());
    return JSON.stringify(reversed({ ...envelope, after: reversed(row) }));
  },
  "with an escape in a column's name": (sample) => written(sample).replace('"amount":', '"\\u0061mount":'),
  "with an amount twice, of which JSON means the last": (sample) =>
    written(sample).replace('"amount":', '"amount":"1.00","amount":'),
  "with an id that ends in .0": (sample) => writtenRaw(sample, "id", `${sample.row["id"]}.0`),
  "with half a surrogate pair, escaped": (sample) => writtenRaw(sample, "card_type", '"\\ud83d"'),
  "with a number for an amount": (sample) => written(sample, { amount: Number(sample.row["amount"]) }),
  "with a text for a time": (sample) =>
    written(sample, { created_at: new Date(Number(sample.row["created_at"]) / 1_000).toISOString() }),
  "with a schema of null around it": (sample) => `{"schema":null,"payload":${written(sample)}}`,
  "with something deep in a column that nobody needs": (sample) =>
    writtenRaw(sample, "note", "[".repeat(10_000) + "]".repeat(10_000)),
  "of 900 KB": (sample) => written(sample, { note: "x".repeat(hugeBytes) }),
});

/** Nothing to judge, and nothing wrong either. */
export const ignored: readonly Case[] = casesOf({
  "a tombstone": () => null,
  "a null": () => "null",
  "a null payload": () => '{"schema":null,"payload":null}',
  "an update": ({ row, envelope }) => JSON.stringify({ ...envelope, before: row, after: row, op: "u" }),
  "a delete": ({ row, envelope }) => JSON.stringify({ ...envelope, before: row, after: null, op: "d" }),
  "a truncate": ({ envelope }) => JSON.stringify({ ...envelope, before: null, after: null, op: "t" }),
});
