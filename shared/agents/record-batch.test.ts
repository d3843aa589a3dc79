import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { RECORD, RecordBatch } from "./record-batch.ts";
import { columnsOf } from "./samples.ts";
import { emptyTransaction, type Transaction } from "./transaction.ts";

const partition = { topic: "dbserver1.public.transactions", partition: 3 };
const transaction = fc.record<Transaction>({
  id: fc.integer({ min: 1, max: 2 ** 52 - 1 }),
  userId: fc.integer(),
  amountCents: fc.integer({ min: 0, max: 9_999_999_999 }),
  cardType: fc.option(fc.string()),
  merchantId: fc.option(fc.integer()),
  createdAtMicros: fc.option(fc.integer({ min: 0, max: 4e15 })),
});

test("gives back what was added, also when it is filled again", () => {
  const row = fc.option(fc.tuple(transaction, fc.constantFrom(RECORD.live, RECORD.historical), fc.maxSafeNat()));
  const batch = new RecordBatch();
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      batch.reset(partition);
      for (const [offset, each] of rows.entries()) {
        if (each === null) batch.addIgnored(offset);
        else batch.add(offset, each[1], each[2], ...columnsOf(each[0]));
      }
      expect(batch).toMatchObject({ ...partition, length: rows.length });
      for (const [offset, each] of rows.entries()) {
        expect([batch.offset(offset), batch.kind(offset)]).toEqual([offset, each?.[1] ?? RECORD.ignored]);
        if (each === null) continue;
        const slot = emptyTransaction();
        batch.read(offset, slot);
        expect(slot).toEqual(each[0]);
        expect(batch.committedAtMicros(offset)).toBe(each[2]);
      }
    }),
  );
});

test("grows", () => {
  const batch = new RecordBatch().reset(partition);
  const like = { ...emptyTransaction(), cardType: "VISA", merchantId: 7, createdAtMicros: 9 };
  const count = 10_000;
  for (let i = 0; i < count; i++)
    batch.add(2 * i, RECORD.live, 3 * i, ...columnsOf({ ...like, id: i, userId: -i, amountCents: 5 * i }));
  for (const i of [0, 1, 1_023, 1_024, 4_095, 4_096, count - 1]) {
    const slot = emptyTransaction();
    batch.read(i, slot);
    expect(slot).toEqual({ ...like, id: i, userId: -i, amountCents: 5 * i });
    expect([batch.offset(i), batch.kind(i), batch.committedAtMicros(i)]).toEqual([2 * i, RECORD.live, 3 * i]);
  }
});
