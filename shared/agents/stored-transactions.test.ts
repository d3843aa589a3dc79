import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { forEachTransaction, TransactionWriter } from "./stored-transactions.ts";
import type { Transaction } from "./transaction.ts";

function encodeTransactions(transactions: readonly Transaction[]): Uint8Array {
  const writer = new TransactionWriter();
  for (const each of transactions) writer.add(each);
  expect(writer.count).toBe(transactions.length);
  return writer.finish();
}

function decodeTransactions(bytes: Uint8Array): Transaction[] {
  const transactions: Transaction[] = [];
  const count = forEachTransaction(bytes, (each) => transactions.push({ ...each }));
  expect(count).toBe(transactions.length);
  return transactions;
}

describe("the stored form", () => {
  const transaction = fc.record<Transaction>({
    id: fc.oneof(fc.integer({ min: 1, max: 2 ** 52 - 1 }), fc.constantFrom(1, 2 ** 52 - 1)),
    userId: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    amountCents: fc.integer({ min: 0, max: 9_999_999_999 }),
    cardType: fc.option(fc.oneof(fc.constantFrom("VISA", "MASTERCARD", "AMEX", ""), fc.string())),
    merchantId: fc.option(fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })),
    createdAtMicros: fc.option(fc.integer({ min: Date.UTC(2000, 0) * 1000, max: Date.UTC(2100, 0) * 1000 - 1 })),
  });

  test("gives back what was stored", () => {
    fc.assert(
      fc.property(fc.array(transaction), (transactions) => {
        expect(decodeTransactions(encodeTransactions(transactions))).toEqual(transactions);
      }),
    );
  });

  test("takes about 12 bytes a transaction", () => {
    const transactions = Array.from({ length: 1_000 }, (_, index) => ({
      id: 5_000_000 + index,
      userId: 1_000 + ((index * 7_919) % 9_000),
      amountCents: 500 + ((index * 104_729) % 499_500),
      cardType: ["VISA", "MASTERCARD", "AMEX"][index % 3] ?? null,
      merchantId: 1 + (index % 500),
      createdAtMicros: 1_793_534_400_000_000 + index * 500,
    }));
    expect(encodeTransactions(transactions).length / transactions.length).toBeLessThan(14);
  });

  test("of a later version is refused", () => {
    expect(() => decodeTransactions(new Uint8Array([2, 0]))).toThrow("version 2");
  });

  test("that was cut off is refused", () => {
    const example = {
      id: 42,
      userId: 1_234,
      amountCents: 12_345,
      cardType: "VISA",
      merchantId: 77,
      createdAtMicros: 5,
    };
    const bytes = encodeTransactions([example, { ...example, id: 43 }]);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeTransactions(bytes.subarray(0, length))).toThrow(RangeError);
    }
  });
});
