import { type DecimalOptions, decimalCents } from "./decimal.ts";
import { ChangeEventError, columnError } from "./errors.ts";
import type { Row } from "./row.ts";
import { type TimestampOptions, timestampMicros } from "./time.ts";

export type ColumnReader<T, Options extends unknown[]> = (row: Row, column: string, ...options: Options) => T;

/** A whole number: smallint, integer, bigint. Throws rather than give a bigint beyond 2^53 rounded. */
export function readInteger(row: Row, column: string): number {
  const value = present(row, column);
  if (!Number.isInteger(value)) throw wrongType(column, value, "an integer");
  if (!Number.isSafeInteger(value)) {
    throw columnError(
      "CHANGE_EVENT_VALUE_OUT_OF_RANGE",
      column,
      value,
      "beyond 2^53 - 1 JSON.parse has already rounded it; write such a column as text",
    );
  }
  return (value as number) + 0; // turns -0 into 0
}

/**
 * An amount as an exact whole number of cents: decimal, numeric, money, double precision or integer column, in every
 * `decimal.handling.mode`. Without schema: base64 is taken to have scale 2, and a text that could be base64 or decimal
 * text is an error unless `options.encoding` says which. `0.005` is an error, `0.0500` is 5.
 */
export function readCents(row: Row, column: string, options: DecimalOptions = {}): number {
  return decimalCents(column, present(row, column), row.schema(column), options);
}

/**
 * A timestamp or timestamptz as microseconds since 1970-01-01T00:00:00Z, in every `time.precision.mode` except
 * structured. Without schema the unit of a number follows from its magnitude (below 10^14 milliseconds, below 10^17
 * microseconds, above nanoseconds; below 10^11 an error) unless `options.unit` says it.
 */
export function readTimestampMicros(row: Row, column: string, options: TimestampOptions = {}): number {
  return timestampMicros(column, present(row, column), row.schema(column), options);
}

/** varchar, text, char, uuid, enum, …: what Debezium writes as a string. */
export function readText(row: Row, column: string): string {
  const value = present(row, column);
  if (typeof value !== "string" || row.schema(column)?.type === "bytes") throw wrongType(column, value, "text");
  return value;
}

export function readBoolean(row: Row, column: string): boolean {
  const value = present(row, column);
  if (typeof value !== "boolean") throw wrongType(column, value, "a boolean");
  return value;
}

/**
 * A json or jsonb column, which Debezium writes as text, parsed. Its numbers are JavaScript's. A JSON `null` gives null,
 * where SQL NULL is an error.
 */
export function readJson(row: Row, column: string): unknown {
  const value = present(row, column);
  if (typeof value !== "string") throw wrongType(column, value, "JSON text");
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw columnError("CHANGE_EVENT_COLUMN_TYPE", column, value, "expected JSON text", cause);
  }
}

/** The same reader for a column that may be NULL: `nullable(readText)(row, "card_type")`. A missing column still throws. */
export function nullable<T, Options extends unknown[]>(
  read: ColumnReader<T, Options>,
): ColumnReader<T | null, Options> {
  return (row, column, ...options) => (row.value(column) === null ? null : read(row, column, ...options));
}

/** The same reader for a column that may be NULL or, after schema evolution, not there at all. */
export function optional<T, Options extends unknown[]>(
  read: ColumnReader<T, Options>,
): ColumnReader<T | null, Options> {
  return (row, column, ...options) => (row.value(column) == null ? null : read(row, column, ...options));
}

/** Debezium's default `unavailable.value.placeholder`, as text and as the base64 of a bytes column. */
const UNAVAILABLE_TEXT = "__debezium_unavailable_value";
const UNAVAILABLE_BASE64 = Buffer.from(UNAVAILABLE_TEXT).toString("base64");

function present(row: Row, column: string): unknown {
  const value = row.value(column);
  if (value === undefined) {
    throw new ChangeEventError(
      "CHANGE_EVENT_COLUMN_MISSING",
      `the row has no column "${column}": it was dropped, renamed, or is not captured (column.include.list)`,
      { column },
    );
  }
  if (value === null) {
    throw new ChangeEventError(
      "CHANGE_EVENT_COLUMN_NULL",
      `column "${column}" is NULL: read it with nullable() if it may be`,
      { column },
    );
  }
  if (value === UNAVAILABLE_TEXT || value === UNAVAILABLE_BASE64) {
    throw columnError(
      "CHANGE_EVENT_VALUE_UNAVAILABLE",
      column,
      value,
      "an unchanged TOASTed value, which PostgreSQL does not log; set REPLICA IDENTITY FULL on the table to have it",
    );
  }
  return value;
}

function wrongType(column: string, found: unknown, expected: string): ChangeEventError {
  return columnError(
    "CHANGE_EVENT_COLUMN_TYPE",
    column,
    found,
    `expected ${expected}; if the column was retyped, change the reader with it`,
  );
}
