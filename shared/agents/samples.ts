// For tests.
import { COLUMN } from "./record-batch.ts";
import type { Transaction } from "./transaction.ts";

/** A transaction as RecordBatch takes it. */
export function columnsOf(transaction: Transaction): [numbers: Float64Array, cardType: string | null] {
  const numbers = new Float64Array(Object.keys(COLUMN).length);
  for (const column of Object.keys(COLUMN) as (keyof typeof COLUMN)[]) {
    numbers[COLUMN[column]] = transaction[column] ?? Number.NaN;
  }
  return [numbers, transaction.cardType];
}
