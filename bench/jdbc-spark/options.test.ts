import { expect, test } from "@jest/globals";
import { type Plan, readPlan } from "./options.ts";

const plan = (...args: string[]) => readPlan(args) as Plan;

test("measures everything where nothing else is asked for, and less of it with --quick", () => {
  expect(plan()).toMatchObject({ quick: false, seed: 1, rates: [500, 2_000] });
  expect(plan().only.size).toBe(4);
  expect(plan("--quick").growthRows.every((rows) => rows <= 100_000)).toBe(true);
});

test("takes a part", () => {
  expect([...plan("--only", "changes,growth").only]).toEqual(["changes", "growth"]);
  expect(plan("--tables", "10_000, 20000").growthRows).toEqual([10_000, 20_000]);
});

test("says what is wrong", () => {
  expect(() => readPlan(["--only", "speed"])).toThrow(/no 'speed'.*cold-start/);
  expect(() => readPlan(["--seed", "x"])).toThrow(/--seed is 'x'/);
  expect(() => readPlan(["--tables", "1,many"])).toThrow(/'many' is no number of rows/);
  expect(() => readPlan(["--fast"])).toThrow(/npm run bench:spark/);
  expect(readPlan(["--help"])).toBe("help");
});
