import { notAnEnvelope } from "./errors.ts";

export type JsonObject = { readonly [key: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How Kafka Connect describes a column when the converter has `schemas.enable=true`. */
export interface ColumnSchema {
  /** Connect's own type, lower case: `int32`, `string`, `bytes`, `struct`, … */
  readonly type: string;
  /** The semantic type, for instance `io.debezium.time.MicroTimestamp`; absent for plain types. */
  readonly name?: string | null;
  /** For instance `{ scale: "2" }` of a Decimal. */
  readonly parameters?: JsonObject | null;
}

/**
 * One row image of a change event. The readers (readInteger, readCents, …) need nothing else of it, so that a row read
 * straight from bytes can stand in for one that went through JSON.parse, and gives the same values and errors.
 */
export interface Row {
  /** The column names in the order of the message. */
  columns(): string[];
  /** The column as JSON.parse gives it, null for SQL NULL, undefined when the row has no such column. */
  value(column: string): unknown;
  /** The column's schema, undefined when the message carries none. Throws when it carries one that omits the column. */
  schema(column: string): ColumnSchema | undefined;
}

export class JsonRow implements Row {
  readonly #values: JsonObject;
  readonly #fields: readonly unknown[] | null;

  /** `fields` are those of the row's Connect schema, or null for a message without schema. */
  constructor(values: JsonObject, fields: readonly unknown[] | null) {
    this.#values = values;
    this.#fields = fields;
  }

  columns(): string[] {
    return Object.keys(this.#values);
  }

  value(column: string): unknown {
    // Own properties only: a column called "constructor" must not be found where there is none.
    return Object.hasOwn(this.#values, column) ? this.#values[column] : undefined;
  }

  schema(column: string): ColumnSchema | undefined {
    if (this.#fields === null) return undefined;
    // A handful of columns: searching is cheaper than indexing the schema of every message.
    const field = findField(this.#fields, column);
    if (!isColumnSchema(field)) throw notAnEnvelope(`its schema does not describe the column "${column}"`);
    return field;
  }
}

/** Connect lists a struct's fields in an array, each with its name in `field`. */
export function findField(fields: readonly unknown[], name: string): JsonObject | undefined {
  for (const field of fields) {
    if (isJsonObject(field) && field["field"] === name) return field;
  }
  return undefined;
}

function isColumnSchema(field: JsonObject | undefined): field is JsonObject & ColumnSchema {
  if (field === undefined || typeof field["type"] !== "string") return false;
  const { name, parameters } = field;
  return (name == null || typeof name === "string") && (parameters == null || isJsonObject(parameters));
}
