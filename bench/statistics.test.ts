import { describe, expect, test } from "@jest/globals";
import { median, ratios, rounded, secondHalfPerSecond } from "./statistics.ts";

describe("median", () => {
  test("is the middle value, or the mean of the two in the middle", () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 2, 4, 100])).toBe(7);
    expect(median([3])).toBe(3);
    expect(median([])).toBeNaN();
  });
});

describe("secondHalfPerSecond", () => {
  test("counts from the first look behind the middle", () => {
    const looks = [
      { atMs: 0, count: 0 },
      { atMs: 4_000, count: 400 },
      { atMs: 5_000, count: 600 },
      { atMs: 6_000, count: 900 },
      { atMs: 6_500, count: 1_000 },
    ];
    expect(secondHalfPerSecond(looks, 1_000)).toBeCloseTo((1_000 - 600) / 1.5);
  });

  test("says nothing where one look found it all done", () => {
    expect(secondHalfPerSecond([{ atMs: 5, count: 10 }], 10)).toBeNaN();
    expect(secondHalfPerSecond([], 10)).toBeNaN();
  });
});

test("ratios are taken round by round, and only of whole rounds", () => {
  expect(ratios([10, 9, 8], [5, 3])).toEqual([2, 3]);
});

test("rounded keeps the digits that are worth reading", () => {
  expect([1234.5, 0.012345, Number.NaN].map((value) => rounded(value))).toEqual([1230, 0.0123, Number.NaN]);
});
