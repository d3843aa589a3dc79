/**
 * Debezium change events → typed rows.
 *
 *     const decoded = decodeRecord(record);                    // a record of a Lambda Kafka event
 *     if (decoded.kind === "tombstone") return;
 *     const { event } = decoded;
 *     if (event.op !== "c" && event.op !== "r") return;        // now event.after is a Row
 *     const transactionId = readInteger(event.after, "id");
 *     const amountCents = readCents(event.after, "amount");
 *     const createdAtMicros = readTimestampMicros(event.after, "created_at");
 *     const cardType = optional(readText)(event.after, "card_type");
 *
 * The same code reads messages with and without JSON schema (`schemas.enable`), every `decimal.handling.mode` and every
 * `time.precision.mode` but structured. With a schema, the schema decides what a value means. Without one, the value's
 * own form does, and a value that could mean two things is an error, never a guess; the readers' options settle those.
 * Two things cannot be seen without schema. The scale of a precise (base64) decimal, which is taken to be 2: a column
 * retyped to numeric(12,4) needs `decimal.handling.mode=string` or a schema to be read rightly. And the unit of a time
 * within 104 days of 1970, which can pass for the coarser one: `unit` says it.
 *
 * Columns nobody asks for are ignored, so a column added to a table changes nothing. Amounts are whole cents and times
 * whole microseconds since 1970, as safe integers: nothing is ever rounded. Whatever the input, the only error thrown is
 * ChangeEventError; its `code` is one of CHANGE_EVENT_ERROR_CODES.
 *
 * Format: "Debezium connector for PostgreSQL" in Debezium's documentation 3.7, sections "Data change events", "Data type
 * mappings" and "Toasted values"; and Kafka Connect's org.apache.kafka.connect.json.JsonConverter.
 */
export {
  type ColumnReader,
  nullable,
  optional,
  readBoolean,
  readCents,
  readInteger,
  readJson,
  readText,
  readTimestampMicros,
} from "./columns.ts";
export type { DecimalOptions } from "./decimal.ts";
export {
  type ChangeEvent,
  type ChangeSource,
  type DecodedRecord,
  decodeChangeEvent,
  decodeRecord,
  type KafkaRecord,
  type LogicalMessage,
  type RowDeleted,
  type RowWritten,
  type TableTruncated,
} from "./envelope.ts";
export { CHANGE_EVENT_ERROR_CODES, ChangeEventError, type ChangeEventErrorCode } from "./errors.ts";
export { type Field, RowReader } from "./fast/row-reader.ts";
export type { ColumnSchema, Row } from "./row.ts";
export type { TimestampOptions, TimeUnit } from "./time.ts";
