import { describe, expect, test } from "@jest/globals";
import { percentile } from "./percentiles.ts";

describe("percentile", () => {
  test("is the nearest rank, a value that was measured", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(values, 0.5)).toBe(50);
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(values, 1)).toBe(100);
    expect(percentile(values, 0)).toBe(1);
    // The table of the Wikipedia article on percentiles.
    expect([0.05, 0.3, 0.4, 0.5, 1].map((share) => percentile([15, 20, 35, 40, 50], share))).toEqual([
      15, 20, 20, 35, 50,
    ]);
  });

  test("sorts by number and leaves what it was given in its order", () => {
    const values = [10, 9, 1_000, 2];
    expect(percentile(values, 0.75)).toBe(10);
    expect(values).toEqual([10, 9, 1_000, 2]);
  });

  test("of one value is that value, and of none is null", () => {
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNull();
  });
});
