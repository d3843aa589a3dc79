import {
  type ChangeEvent,
  decodeRecord,
  type KafkaRecord,
  type Row,
  readBoolean,
  readInteger,
  readJson,
  readText,
  readTimestampMicros,
} from "../change-events/index.ts";
import type { StoredAlert } from "./alert.ts";

export type AlertChange =
  | { readonly kind: "alert"; readonly alert: StoredAlert }
  /** An update, a delete, a truncate, a message or a tombstone: nothing that happens to an alert later raises it again. */
  | { readonly kind: "ignored"; readonly op: Exclude<ChangeEvent["op"], "c" | "r"> | "tombstone" };

/**
 * Decodes a record of dbserver1.fraud.alerts.
 *
 * @throws {ChangeEventError} when the record is not a change event of that table
 */
export function decodeAlertChange(record: KafkaRecord): AlertChange {
  const decoded = decodeRecord(record);
  if (decoded.kind === "tombstone") return { kind: "ignored", op: "tombstone" };
  const { event } = decoded;
  if (event.op !== "c" && event.op !== "r") return { kind: "ignored", op: event.op };
  return { kind: "alert", alert: alertOf(event.after) };
}

function alertOf(row: Row): StoredAlert {
  return {
    alertId: readText(row, "alert_id"),
    agent: readText(row, "agent"),
    rule: readText(row, "rule"),
    ruleVersion: readInteger(row, "rule_version"),
    transactionId: readInteger(row, "transaction_id"),
    userId: readInteger(row, "user_id"),
    amountCents: readInteger(row, "amount_cents"),
    reason: readJson(row, "reason"),
    historical: readBoolean(row, "historical"),
    topic: readText(row, "topic"),
    partition: readInteger(row, "partition"),
    kafkaOffset: readInteger(row, "kafka_offset"),
    committedAtMicros: readTimestampMicros(row, "committed_at"),
    createdAtMicros: readTimestampMicros(row, "created_at"),
  };
}
