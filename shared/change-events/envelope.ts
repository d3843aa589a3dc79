import { ChangeEventError, describe, notAnEnvelope } from "./errors.ts";
import { findField, isJsonObject, type JsonObject, JsonRow, type Row } from "./row.ts";
import { type TimeUnit, toMicros } from "./time.ts";

/** Where and when a change was made. */
export interface ChangeSource {
  /** Both are "" for a logical decoding message, which belongs to no table. */
  readonly schema: string;
  readonly table: string;
  /** Microseconds since 1970 of the commit in PostgreSQL; of the snapshot for a snapshot row. */
  readonly committedAtMicros: number;
  /** "false" when streaming; else "true", "first", "last", "first_in_data_collection", "incremental", … */
  readonly snapshot: string;
  /** Position in the write-ahead log. */
  readonly lsn: number | null;
  readonly txId: number | null;
}

/** A row inserted (c), read by a snapshot (r) or updated (u). `before` is null unless REPLICA IDENTITY says otherwise. */
export interface RowWritten {
  readonly op: "c" | "r" | "u";
  readonly source: ChangeSource;
  readonly before: Row | null;
  readonly after: Row;
}

/** `before` holds the primary key only, unless the table has REPLICA IDENTITY FULL. */
export interface RowDeleted {
  readonly op: "d";
  readonly source: ChangeSource;
  readonly before: Row | null;
  readonly after: null;
}

export interface TableTruncated {
  readonly op: "t";
  readonly source: ChangeSource;
  readonly before: null;
  readonly after: null;
}

/** A message written by pg_logical_emit_message. */
export interface LogicalMessage {
  readonly op: "m";
  readonly source: ChangeSource;
  readonly before: null;
  readonly after: null;
  readonly message: {
    readonly prefix: string;
    /** As the connector's `binary.handling.mode` encodes it: base64 by default. */
    readonly content: string;
  };
}

export type ChangeEvent = RowWritten | RowDeleted | TableTruncated | LogicalMessage;

/** The part of an `aws:kafka` record (Lambda's MSK and self-managed Kafka events) that is decoded here. */
export interface KafkaRecord {
  /** base64; null or absent for a tombstone. */
  readonly value?: string | null | undefined;
}

export type DecodedRecord = { readonly kind: "tombstone" } | { readonly kind: "change"; readonly event: ChangeEvent };

const TOMBSTONE: DecodedRecord = { kind: "tombstone" };

/** A record of a Lambda Kafka event. Debezium follows each delete by a tombstone, a null value, for log compaction. */
export function decodeRecord(record: KafkaRecord): DecodedRecord {
  if (record.value == null) return TOMBSTONE;
  const event = decodeValue(base64ToBytes(record.value));
  return event === null ? TOMBSTONE : { kind: "change", event };
}

/** The value of a Kafka record: UTF-8 JSON, with or without Connect's `{ schema, payload }` around the envelope. */
export function decodeChangeEvent(value: Uint8Array): ChangeEvent {
  const event = decodeValue(value);
  if (event === null) throw notAnEnvelope("it is null, a tombstone");
  return event;
}

function base64ToBytes(value: string): Uint8Array {
  const bytes = Buffer.from(value, "base64");
  // Buffer.from skips what is not base64; only the length then tells that something is missing.
  if (bytes.length !== Buffer.byteLength(value, "base64")) {
    throw new ChangeEventError(
      "CHANGE_EVENT_NOT_BASE64",
      `the record's value is ${describe(value)}, not base64: pass it as the Lambda event has it`,
    );
  }
  return bytes;
}

// A byte order mark is not skipped: Debezium writes none, so JSON.parse should refuse it.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeValue(value: Uint8Array): ChangeEvent | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(utf8.decode(value));
  } catch (cause) {
    throw new ChangeEventError(
      "CHANGE_EVENT_NOT_JSON",
      `the value (${value.length} bytes) is not UTF-8 JSON: the connector's value.converter must be JsonConverter`,
      { cause },
    );
  }
  const { payload, schema } = unwrap(parsed);
  return payload === null ? null : toChangeEvent(payload, schema);
}

/** An envelope itself always has `op`, so exactly these two keys can only be the converter's wrapping. */
function unwrap(parsed: unknown): { payload: JsonObject | null; schema: JsonObject | null } {
  if (parsed === null) return { payload: null, schema: null };
  if (!isJsonObject(parsed)) throw notAnEnvelope(`it is ${describe(parsed)}`);
  if (!("schema" in parsed && "payload" in parsed && Object.keys(parsed).length === 2)) {
    return { payload: parsed, schema: null };
  }
  const { payload, schema } = parsed;
  if (payload !== null && !isJsonObject(payload)) throw notAnEnvelope(`its payload is ${describe(payload)}`);
  if (schema !== null && !isJsonObject(schema)) throw notAnEnvelope(`its schema is ${describe(schema)}`);
  return { payload, schema };
}

function toChangeEvent(payload: JsonObject, schema: JsonObject | null): ChangeEvent {
  const { op } = payload;
  switch (op) {
    case "c":
    case "r":
    case "u": {
      const after = toRow(payload, "after", schema);
      if (after === null) throw notAnEnvelope(`op "${op}" without a row in after`);
      return { op, source: toSource(payload["source"]), before: toRow(payload, "before", schema), after };
    }
    case "d":
      return { op, source: toSource(payload["source"]), before: toRow(payload, "before", schema), after: null };
    case "t":
      return { op, source: toSource(payload["source"]), before: null, after: null };
    case "m":
      return {
        op,
        source: toSource(payload["source"]),
        before: null,
        after: null,
        message: toMessage(payload["message"]),
      };
    default:
      throw notAnEnvelope(`its op is ${describe(op)}, none of c, r, u, d, t, m`);
  }
}

function toRow(payload: JsonObject, image: "before" | "after", schema: JsonObject | null): Row | null {
  const values = payload[image];
  if (values == null) return null;
  if (!isJsonObject(values)) throw notAnEnvelope(`its ${image} is ${describe(values)}`);
  return new JsonRow(values, schema === null ? null : rowFields(schema, image));
}

function rowFields(schema: JsonObject, image: "before" | "after"): readonly unknown[] {
  const images = schema["fields"];
  const fields = Array.isArray(images) ? findField(images, image)?.["fields"] : undefined;
  if (!Array.isArray(fields)) throw notAnEnvelope(`its schema does not describe ${image}`);
  return fields;
}

function toSource(source: unknown): ChangeSource {
  if (!isJsonObject(source)) throw notAnEnvelope(`its source is ${describe(source)}`);
  const { schema, table, snapshot = "false" } = source;
  if (typeof schema !== "string") throw notAnEnvelope(`its source.schema is ${describe(schema)}`);
  if (typeof table !== "string") throw notAnEnvelope(`its source.table is ${describe(table)}`);
  return {
    schema,
    table,
    committedAtMicros: committedAtMicros(source),
    // The schema allows null; connectors before 0.10 wrote a boolean.
    snapshot: typeof snapshot === "string" ? snapshot : String(snapshot === true),
    lsn: optionalInteger(source, "lsn"),
    txId: optionalInteger(source, "txId"),
  };
}

/** Finest first. Debezium before 2.6 has ts_ms only. */
const SOURCE_TIMES: readonly (readonly [field: string, unit: TimeUnit])[] = [
  ["ts_us", "us"],
  ["ts_ns", "ns"],
  ["ts_ms", "ms"],
];

function committedAtMicros(source: JsonObject): number {
  for (const [field, unit] of SOURCE_TIMES) {
    const count = source[field];
    if (count == null) continue;
    const micros = typeof count === "number" ? toMicros(count, unit) : undefined;
    if (micros === undefined) throw notAnEnvelope(`its source.${field} is ${describe(count)}`);
    return micros;
  }
  throw notAnEnvelope("its source has no ts_us, ts_ns or ts_ms");
}

function optionalInteger(source: JsonObject, field: string): number | null {
  const value = source[field];
  if (value == null) return null;
  if (!Number.isSafeInteger(value)) throw notAnEnvelope(`its source.${field} is ${describe(value)}`);
  return (value as number) + 0;
}

function toMessage(message: unknown): LogicalMessage["message"] {
  if (!isJsonObject(message)) throw notAnEnvelope(`its message is ${describe(message)}`);
  const { prefix, content } = message;
  if (typeof prefix !== "string") throw notAnEnvelope(`its message.prefix is ${describe(prefix)}`);
  if (typeof content !== "string") throw notAnEnvelope(`its message.content is ${describe(content)}`);
  return { prefix, content };
}
