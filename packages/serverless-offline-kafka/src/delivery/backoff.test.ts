import { expect, test } from "@jest/globals";
import { backoffMs } from "./backoff.ts";

test.each([
  [1, 0, 250],
  [1, 0.5, 375],
  [2, 0, 500],
  [3, 1, 2_000],
  [100, 0, 15_000],
  [100, 1, 30_000],
])("attempt %d with chance %d waits %d ms", (attempt, random, expected) => {
  expect(backoffMs({ firstMs: 500, maxMs: 30_000 }, attempt, random)).toBe(expected);
});
