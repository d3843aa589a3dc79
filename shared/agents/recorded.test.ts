import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { decodeRecord } from "../change-events/index.ts";
import type { KafkaEvent, KafkaRecord } from "../lambda/index.ts";
import { RECORD, RecordBatch } from "./record-batch.ts";
import { emptyTransaction, type NeededColumn } from "./transaction.ts";
import { TransactionReader } from "./transaction-reader.ts";

/** Events that tests/record.ts took from the real PostgreSQL, Debezium and Kafka, in each of Debezium's modes. */
const folder = join(import.meta.dirname, "../change-events/samples");
const samples = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));

function read(records: readonly KafkaRecord[], needs: ReadonlySet<NeededColumn>) {
  const reader = new TransactionReader(needs);
  const batch = new RecordBatch();
  // The second time the reader has seen all of them.
  for (let time = 0; time < 2; time++) {
    batch.reset({ topic: "recorded", partition: 0 });
    for (const record of records) reader.readInto(batch, record);
  }
  return records.map((_, index) => {
    const transaction = emptyTransaction();
    if (batch.kind(index) === RECORD.ignored) return null;
    batch.read(index, transaction);
    return transaction;
  });
}

const micros = (iso: string, rest = 0) => Date.parse(iso) * 1000 + rest;

describe.each(samples)("recorded in mode %s", (mode) => {
  const event = JSON.parse(readFileSync(join(folder, `${mode}.json`), "utf8")) as KafkaEvent;
  const records = Object.values(event.records).flat();
  const decoded = records.map((record) => decodeRecord(record));
  // Connect's own timestamps stop at the millisecond.
  const rest = mode === "double-connect" ? 0 : 456;

  test("every kind of change is told apart", () => {
    const kinds = decoded.map((each) => (each.kind === "tombstone" ? "tombstone" : each.event.op));
    expect(kinds).toEqual(["r", "c", "c", "c", "u", "d", "tombstone", "t"]);
  });

  test("a snapshot row and inserts are read exactly", () => {
    const transactions = read(records.slice(0, 3), new Set(["card_type", "created_at"]));
    expect(transactions).toEqual([
      {
        id: 1,
        userId: 4242,
        amountCents: 123_456,
        cardType: "AMEX",
        merchantId: 7,
        createdAtMicros: micros("2026-11-23T10:00:00.123Z", rest),
      },
      {
        id: 2,
        userId: 4242,
        amountCents: 5,
        cardType: "VISA",
        merchantId: 8,
        createdAtMicros: micros("2026-11-23T10:00:01Z"),
      },
      {
        id: 3,
        userId: 1001,
        amountCents: 9_999_999_999,
        cardType: 'Müller "Card" \\ 💳',
        merchantId: null,
        createdAtMicros: micros("2026-11-23T10:00:02.500Z"),
      },
    ]);
  });

  test("a row without the columns that a rule needs is refused with the column's name", () => {
    expect(() => read(records.slice(3, 4), new Set())).toThrow(/user_id/);
  });

  test("an update, a delete, its tombstone and a truncate are none of the agents' business", () => {
    expect(read(records.slice(4), new Set())).toEqual([null, null, null, null]);
    for (const each of [decoded[4], decoded[5], decoded[7]]) {
      if (each?.kind !== "change") throw new Error("these are changes");
      expect(each.event.source).toMatchObject({ schema: "public", table: "transactions" });
    }
  });
});
