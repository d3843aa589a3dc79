import { describe, expect, test } from "@jest/globals";
import { accountOf, deletedBetween, type Ledger, parseReads } from "./accounting.ts";

const ledger: Ledger = {
  inserted: [
    { id: 1, cents: 100, by: "steady" },
    { id: 2, cents: 200, by: "slow" },
    { id: 3, cents: 300, by: "steady" },
    { id: 4, cents: 400, by: "shortLived" },
  ],
  updates: [
    { id: 1, cents: 1_000 },
    { id: 1, cents: 1_001 },
  ],
  deletes: [3, 4],
};

describe("accountOf", () => {
  test("counts what a reader of new rows misses: a late row, updates, deletes and what lived too short", () => {
    const rows = parseReads("1,1,100\n1,3,300\n");

    expect(accountOf(ledger, { rows, deleted: new Set() })).toEqual({
      rows: { of: 4, seen: 2 },
      rowsBy: { steady: { of: 2, seen: 2 }, slow: { of: 1, seen: 0 }, shortLived: { of: 1, seen: 0 } },
      standing: { of: 2, seen: 1 },
      standingWithAmount: { of: 2, seen: 0 },
      updates: { of: 2, seen: 0 },
      deletes: { of: 2, seen: 0 },
    });
  });

  test("counts what a reader of the whole table sees: the last version, and deletes by their absence", () => {
    const rows = parseReads("1,1,100\n1,3,300\n2,1,1001\n2,2,200\n");

    expect(accountOf(ledger, { rows, deleted: deletedBetween(rows, 2) })).toMatchObject({
      rows: { of: 4, seen: 3 },
      standingWithAmount: { of: 2, seen: 2 },
      updates: { of: 2, seen: 1 },
      deletes: { of: 2, seen: 1 },
    });
  });

  test("counts everything for a reader of every change", () => {
    const rows = parseReads("1,1,100\n2,1,1000\n3,1,1001\n4,2,200\n5,3,300\n6,4,400\n");
    const account = accountOf(ledger, { rows, deleted: new Set([3, 4]) });

    for (const { of, seen } of [account.rows, account.standingWithAmount, account.updates, account.deletes]) {
      expect(seen).toBe(of);
    }
  });
});

test("deletedBetween takes nothing for deleted that was in the last read", () => {
  expect([...deletedBetween(parseReads("1,1,100\n1,2,100\n2,2,100\n"), 2)]).toEqual([1]);
  // A last read that found nothing at all.
  expect([...deletedBetween(parseReads("1,1,100\n"), 2)]).toEqual([1]);
});
