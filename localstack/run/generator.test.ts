import { describe, expect, test } from "@jest/globals";
import { type NewTransaction, TransactionSource } from "./generator.ts";

/** Marsaglia's xorshift32: numbers from 0 to 1 that are the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function draw(seed: number, count: number): NewTransaction[] {
  const source = new TransactionSource(seeded(seed));
  return Array.from({ length: count }, () => source.next());
}

const usual = (transactions: readonly NewTransaction[]) => transactions.filter((each) => each.amountCents < 90_000);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The median amount of each user of whom there are enough to say. */
function usualByUser(transactions: readonly NewTransaction[]): Map<number, number> {
  const amounts = Map.groupBy(usual(transactions), (each) => each.userId);
  return new Map(
    [...amounts]
      .filter(([, of]) => of.length >= 15)
      .map(([userId, of]) => [userId, median(of.map((each) => each.amountCents))]),
  );
}

/** Where the large amount of a burst stands: above what the other kind of fraud reaches. */
function burstEnds(transactions: readonly NewTransaction[]): number[] {
  return transactions.flatMap((each, index) => (each.amountCents > 400_000 ? [index] : []));
}

describe("the generated transactions", () => {
  const count = 250_000;
  const transactions = draw(1, count);

  test("stay in the course's ranges and reach all of each", () => {
    const ranges = [
      ["userId", 1_000, 9_999],
      ["merchantId", 1, 500],
    ] as const;
    for (const [name, first, last] of ranges) {
      const seen = new Set(transactions.map((each) => each[name]));
      expect([Math.min(...seen), Math.max(...seen), seen.size]).toEqual([first, last, last - first + 1]);
    }
    expect([...new Set(transactions.map((each) => each.cardType))].sort()).toEqual(["AMEX", "MASTERCARD", "VISA"]);
    const outside = transactions.filter(
      ({ amountCents }) => !Number.isInteger(amountCents) || amountCents < 500 || amountCents > 500_000,
    );
    expect(outside).toEqual([]);
  });

  test("hold both kinds of fraud, about one of each in 2,500", () => {
    const planted = count / 2_500;
    // Four standard deviations of a Poisson distribution.
    const tolerance = 4 * Math.sqrt(planted);
    const single = transactions.filter((each) => each.amountCents >= 90_000 && each.amountCents <= 380_000).length;
    expect(Math.abs(single - planted)).toBeLessThan(tolerance);
    expect(Math.abs(burstEnds(transactions).length - planted)).toBeLessThan(tolerance);
  });

  test("have each burst whole: six usual amounts and a large one, of one user, with nobody between", () => {
    for (const end of burstEnds(transactions).filter((index) => index >= 6)) {
      const burst = transactions.slice(end - 6, end + 1);
      expect(new Set(burst.map((each) => each.userId)).size).toBe(1);
      expect(usual(burst)).toHaveLength(6);
    }
  });

  test("have the same usual amount of a user in another run, and different ones of different users", () => {
    const [here, there] = [usualByUser(transactions), usualByUser(draw(2, count))];
    const both = [...here.keys()].filter((userId) => there.has(userId));
    expect(both.length).toBeGreaterThan(8_000);
    const ratios = both.map((userId) => (here.get(userId) ?? 0) / (there.get(userId) ?? 1));
    // Medians of at least 15 amounts that scatter by a factor of e^0.4.
    expect(ratios.filter((ratio) => ratio < 1 / 2 || ratio > 2).length / ratios.length).toBeLessThan(0.01);
    const all = [...here.values()];
    expect(Math.min(...all)).toBeLessThan(1_500);
    expect(Math.max(...all)).toBeGreaterThan(9_000);
  });

  test("are the same for the same random numbers", () => {
    expect(draw(7, 1_000)).toEqual(draw(7, 1_000));
    expect(draw(7, 1_000)).not.toEqual(draw(8, 1_000));
  });
});
