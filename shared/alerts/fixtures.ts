import type { KafkaRecord } from "../lambda/index.ts";
import type { StoredAlert } from "./alert.ts";

/** For tests: an alert, the same for the same overrides. */
export function exampleAlert(overrides: Partial<StoredAlert> = {}): StoredAlert {
  return {
    alertId: "ratio:1:42",
    agent: "profile",
    rule: "ratio",
    ruleVersion: 1,
    transactionId: 42,
    userId: 1234,
    amountCents: 481_250,
    reason: { rule: "ratio", count: 50, sumCents: 7_077_200, meanCents: 141_544, threshold: 3 },
    historical: false,
    topic: "dbserver1.public.transactions",
    partition: 3,
    kafkaOffset: 1_000,
    committedAtMicros: 1_795_436_000_123_456,
    createdAtMicros: 1_795_436_000_200_007,
    ...overrides,
  };
}

/** For tests: the row of fraud.alerts as Debezium writes it without schema. */
export function alertRow(alert: StoredAlert): Record<string, unknown> {
  const timestamptz = (micros: number) =>
    new Date(micros / 1_000).toISOString().replace(/\d{3}Z$/, `${String(micros).slice(-6)}Z`);
  return {
    alert_id: alert.alertId,
    agent: alert.agent,
    rule: alert.rule,
    rule_version: alert.ruleVersion,
    transaction_id: alert.transactionId,
    user_id: alert.userId,
    amount_cents: alert.amountCents,
    reason: JSON.stringify(alert.reason),
    historical: alert.historical,
    topic: alert.topic,
    partition: alert.partition,
    kafka_offset: alert.kafkaOffset,
    committed_at: timestamptz(alert.committedAtMicros),
    created_at: timestamptz(alert.createdAtMicros),
  };
}

/** For tests: a record of dbserver1.fraud.alerts. `value` is what is in it, null for a tombstone, text for something else. */
export function alertRecord(offset: number, value: object | string | null, partition = 0): KafkaRecord {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return {
    topic: "dbserver1.fraud.alerts",
    partition,
    offset,
    timestamp: 1_795_436_000_250,
    timestampType: "CREATE_TIME",
    key: null,
    value: value === null ? null : Buffer.from(text).toString("base64"),
    headers: [],
  };
}

/** For tests: the change event of an alert. */
export function alertChangeEvent(op: "c" | "r" | "u" | "d", alert: StoredAlert): object {
  const row = alertRow(alert);
  return {
    before: op === "d" ? row : null,
    after: op === "d" ? null : row,
    source: { schema: "fraud", table: "alerts", snapshot: op === "r" ? "true" : "false", ts_us: alert.createdAtMicros },
    op,
    ts_ms: Math.floor(alert.createdAtMicros / 1_000),
  };
}
