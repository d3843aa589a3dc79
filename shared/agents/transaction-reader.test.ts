import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ChangeEventError } from "../change-events/index.ts";
import {
  base64Of,
  type Cell,
  type Cells,
  doubleDecimal,
  int32,
  int64,
  LOGICAL_MESSAGE,
  message,
  preciseDecimal,
  TRANSACTION,
  TRANSACTION_KEY,
  text,
  textDecimal,
  timestampConnect,
  timestampIso,
  timestampMs,
  timestampNs,
  timestampUs,
  timestampZoned,
  variableScaleDecimal,
} from "../change-events/samples.ts";
import { RECORD, RecordBatch } from "./record-batch.ts";
import { forEachTransaction, TransactionWriter } from "./stored-transactions.ts";
import { emptyTransaction, type NeededColumn, type Transaction } from "./transaction.ts";
import { TransactionReader } from "./transaction-reader.ts";

const all: ReadonlySet<NeededColumn> = new Set(["card_type", "created_at"]);
const none: ReadonlySet<NeededColumn> = new Set();

const partition = { topic: "dbserver1.public.transactions", partition: 0 };

/** What a reader gives that knows such records, which must be what one gives that never saw any. */
function readValue(value: unknown, needs: ReadonlySet<NeededColumn>): Transaction | null {
  const reader = new TransactionReader(needs);
  const record = { offset: 7, value: base64Of(value) };
  const batch = new RecordBatch().reset(partition);
  for (let time = 0; time < 3; time++) reader.readInto(batch, record);
  const [first, second, third] = [0, 1, 2].map((index) => {
    const transaction = emptyTransaction();
    if (batch.kind(index) !== RECORD.ignored) batch.read(index, transaction);
    expect(batch.offset(index)).toBe(7);
    return batch.kind(index) === RECORD.ignored ? null : transaction;
  });
  expect([second, third]).toEqual([first, first]);
  return first ?? null;
}

function read(cells: Cells, { needs = all, schemas = false, op = "c" } = {}): Transaction | null {
  return readValue(message({ op, after: cells, schemas }), needs);
}

const withColumn = (column: string, cell: Cell): Cells => ({ ...TRANSACTION, [column]: cell });
const without = (column: string): Cells =>
  Object.fromEntries(Object.entries(TRANSACTION).filter(([name]) => name !== column));
const codeOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof ChangeEventError) return error.code;
    throw error;
  }
  return "no error";
};

const expected: Transaction = {
  id: 42,
  userId: 1234,
  amountCents: 12_345,
  cardType: "VISA",
  merchantId: 77,
  createdAtMicros: 1_793_534_400_123_456,
};

describe.each([{ schemas: false }, { schemas: true }])("schemas.enable=$schemas", ({ schemas }) => {
  test.each(["c", "r"])("op %s is a transaction", (op) => {
    expect(read(TRANSACTION, { op, schemas })).toEqual(expected);
  });

  test.each([
    ["precise", preciseDecimal(12_345n)],
    ["string", textDecimal("123.45")],
    ["double", doubleDecimal(123.45)],
    ["precise, numeric without precision", variableScaleDecimal(123_450n, 3)],
  ])("decimal.handling.mode %s", (_, amount) => {
    expect(read(withColumn("amount", amount), { schemas })?.amountCents).toBe(12_345);
  });

  test.each([
    ["adaptive", timestampUs(1_793_534_400_123_456), 1_793_534_400_123_456],
    ["adaptive, timestamp(3)", timestampMs(1_793_534_400_123), 1_793_534_400_123_000],
    ["nanoseconds", timestampNs(1_793_534_400_123_456_000), 1_793_534_400_123_456],
    ["connect", timestampConnect(1_793_534_400_123), 1_793_534_400_123_000],
    ["isostring", timestampIso("2026-11-01T12:00:00.123456Z"), 1_793_534_400_123_456],
    ["a column retyped to timestamptz", timestampZoned("2026-11-01T13:00:00.123456+01:00"), 1_793_534_400_123_456],
  ])("time.precision.mode %s", (_, createdAt, micros) => {
    expect(read(withColumn("created_at", createdAt), { schemas })?.createdAtMicros).toBe(micros);
  });

  test.each(["u", "d", "t", "m"])("op %s is none", (op) => {
    const value =
      op === "m"
        ? LOGICAL_MESSAGE
        : message({ op, before: op === "d" ? TRANSACTION_KEY : null, after: op === "u" ? TRANSACTION : null, schemas });
    expect(readValue(value, all)).toBeNull();
  });

  test("a column that is added changes nothing", () => {
    expect(read({ ...withColumn("country", text("NZ")) }, { schemas })).toEqual(expected);
  });
});

describe("columns that every agent needs", () => {
  test.each(["id", "user_id", "amount"])("%s missing or null stops all of them", (column) => {
    expect(codeOf(() => read(without(column), { needs: none }))).toBe("CHANGE_EVENT_COLUMN_MISSING");
    expect(codeOf(() => read(withColumn(column, int32(null)), { needs: none }))).toBe("CHANGE_EVENT_COLUMN_NULL");
  });

  test.each([
    ["id", int32(0)],
    ["id", int64(-1)],
    ["id", int64(2 ** 52)],
    ["amount", preciseDecimal(-1n)],
    ["amount", preciseDecimal(10_000_000_000n)],
    // fraud.alerts.user_id is an int: a greater one would fail the whole batch when it raises an alert.
    ["user_id", int64(2 ** 31)],
    ["user_id", int64(-(2 ** 31) - 1)],
  ])("%s beyond what can be meant", (column, cell) => {
    expect(codeOf(() => read(withColumn(column, cell), { needs: none }))).toBe("CHANGE_EVENT_VALUE_OUT_OF_RANGE");
  });

  test.each([
    ["id", int32(1), { id: 1 }],
    ["id", int64(2 ** 52 - 1), { id: 2 ** 52 - 1 }],
    ["amount", preciseDecimal(0n), { amountCents: 0 }],
    ["amount", preciseDecimal(9_999_999_999n), { amountCents: 9_999_999_999 }],
    ["user_id", int32(2 ** 31 - 1), { userId: 2 ** 31 - 1 }],
    ["user_id", int32(-(2 ** 31)), { userId: -(2 ** 31) }],
  ])("%s at the edge of what can be meant", (column, cell, change) => {
    expect(read(withColumn(column, cell))).toEqual({ ...expected, ...change });
  });
});

describe("columns that some agents need", () => {
  const needed: [NeededColumn, keyof Transaction][] = [
    ["card_type", "cardType"],
    ["created_at", "createdAtMicros"],
  ];

  test.each(needed)("%s missing, null or unreadable stops only an agent that needs it", (column, field) => {
    const broken: [Cells, string][] = [
      [without(column), "CHANGE_EVENT_COLUMN_MISSING"],
      [withColumn(column, text(null)), "CHANGE_EVENT_COLUMN_NULL"],
      [withColumn(column, { value: true, schema: { type: "boolean" } }), "CHANGE_EVENT_COLUMN_TYPE"],
    ];
    for (const [cells, code] of broken) {
      expect(codeOf(() => read(cells, { needs: new Set([column]) }))).toBe(code);
      expect(read(cells, { needs: none })).toEqual({ ...expected, [field]: null });
    }
  });

  const extremes = [timestampUs(Date.UTC(1999, 11, 31, 23, 59, 59, 999) * 1000), timestampUs(Date.UTC(2100, 0) * 1000)];
  test.each(extremes)("created_at outside of the years 2000 to 2099: $value", (createdAt) => {
    const cells = withColumn("created_at", createdAt);
    expect(codeOf(() => read(cells, { needs: new Set(["created_at"]) }))).toBe("CHANGE_EVENT_VALUE_OUT_OF_RANGE");
    expect(read(cells, { needs: none })).toEqual({ ...expected, createdAtMicros: null });
  });

  test.each([Date.UTC(2000, 0) * 1000, Date.UTC(2100, 0) * 1000 - 1])("created_at at the edge: %d", (micros) => {
    expect(read(withColumn("created_at", timestampUs(micros)))?.createdAtMicros).toBe(micros);
  });

  test.each([
    ["missing", without("merchant_id"), null],
    ["null", withColumn("merchant_id", int32(null)), null],
    ["text", withColumn("merchant_id", text("A7")), null],
    ["greater than any", withColumn("merchant_id", int64(Number.MIN_SAFE_INTEGER)), null],
    ["a bigint", withColumn("merchant_id", int64(2 ** 40)), 2 ** 40],
  ])("merchant_id %s stops nobody", (_, cells, merchantId) => {
    expect(read(cells)).toEqual({ ...expected, merchantId });
  });
});

test("whatever is accepted can be stored", () => {
  const cells = fc.record({
    id: fc.maxSafeNat().map(int64),
    user_id: fc.maxSafeInteger().map(int64),
    amount: fc.maxSafeNat().map((cents) => preciseDecimal(BigInt(cents))),
    merchant_id: fc.maxSafeInteger().map(int64),
    created_at: fc.maxSafeInteger().map(timestampUs),
  });
  const likely = fc.record({
    id: fc.integer({ min: 1, max: 2 ** 52 - 1 }).map(int64),
    user_id: fc.integer().map(int64),
    amount: fc.integer({ min: 0, max: 2 ** 31 }).map((cents) => preciseDecimal(BigInt(cents))),
    merchant_id: fc.maxSafeInteger().map(int64),
    created_at: fc.maxSafeInteger().map(timestampUs),
  });
  fc.assert(
    fc.property(fc.array(fc.oneof(cells, likely, likely)), (rows) => {
      const accepted = rows.flatMap((row) => {
        try {
          return read({ ...TRANSACTION, ...row }, { needs: none }) ?? [];
        } catch {
          return [];
        }
      });
      const writer = new TransactionWriter();
      for (const each of accepted) writer.add(each);
      const stored: Transaction[] = [];
      forEachTransaction(writer.finish(), (each) => stored.push({ ...each }));
      expect(stored).toEqual(accepted);
    }),
  );
});
