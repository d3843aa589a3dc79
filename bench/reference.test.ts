import { describe, expect, test } from "@jest/globals";
import { TransactionStream } from "./change-events.ts";
import { AlertSet, agrees, referenceOf } from "./reference.ts";

const seed = 7;
const records = 60_000;

interface Row {
  id: number;
  amountCents: number;
  createdAtMicros: number;
}

/** The rules once more, as slowly and plainly as they can be said. */
function plainly(): { profile: number[]; velocity: number[] } {
  const byUser = new Map<number, Row[]>();
  const found = { profile: [] as number[], velocity: [] as number[] };
  const stream = new TransactionStream(seed);
  for (let i = 0; i < records; i += 1) {
    stream.next();
    const { amountCents, createdAtMicros, id, userId } = stream;
    const before = byUser.get(userId) ?? [];
    const last50 = before.slice(-50).map((row) => row.amountCents);
    const mean = last50.reduce((sum, each) => sum + each, 0) / last50.length;
    if (last50.length >= 3 && amountCents > 50_000 && amountCents > 3 * mean) found.profile.push(id);
    const lastMinute = before.filter((row) => row.createdAtMicros >= createdAtMicros - 60e6).length + 1;
    if ((lastMinute > 5 ? 40 : 0) + (amountCents > 400_000 ? 50 : 0) > 70) found.velocity.push(id);
    byUser.set(userId, [...before, { id, amountCents, createdAtMicros }]);
  }
  return found;
}

describe("referenceOf", () => {
  test("finds what the rules say", () => {
    const reference = referenceOf(seed, records);
    const { profile, velocity } = plainly();

    expect(profile.length).toBeGreaterThan(100);
    expect(velocity.length).toBeGreaterThan(100);
    expect(agrees(reference.profile.compare(profile))).toBe(true);
    expect(agrees(reference.velocity.compare(velocity))).toBe(true);
    expect(reference.ties).toBe(0);
    expect(reference.floatDifferences).toBe(0);
  });
});

describe("AlertSet", () => {
  const set = new AlertSet(10);
  for (const id of [2, 4, 6]) set.add(id);

  test("agrees with the same ids in any order", () => {
    const comparison = set.compare([6, 2, 4]);
    expect(comparison).toMatchObject({ count: 3, missing: 0, unexpected: 0, doubled: 0, examples: [] });
    expect(agrees(comparison)).toBe(true);
  });

  test("names what is missing, unexpected and doubled", () => {
    const comparison = set.compare([2, 2, 5]);
    expect(comparison).toMatchObject({ count: 2, missing: 2, unexpected: 1, doubled: 1 });
    expect(comparison.examples.toSorted()).toEqual([2, 4, 5, 6]);
    expect(agrees(comparison)).toBe(false);
  });

  test("does not take another number for agreement, nor the same number of other ids", () => {
    expect(agrees(set.compare([2, 4]))).toBe(false);
    expect(agrees(set.compare([1, 3, 5]))).toBe(false);
  });
});
