import { expect, test } from "@jest/globals";
import { allAgree, joined, type Results } from "./results.ts";

const agreement = { expected: 10, found: 10, missing: 0, unexpected: 0, doubled: 0 };
const empty = { steady: [], changes: undefined, coldStart: undefined, growth: [] };
const run = (command: string, loadAverage: number, parts: object) =>
  ({ ...empty, command, seconds: 60, machine: { loadAverage }, ...parts }) as unknown as Results;

const steady = run("a", 1, { steady: [{ reader: "id", agreement }] });
const growth = (...rows: number[]) =>
  run("b", 3, { growth: rows.map((each) => ({ rows: each, spark: [{ agreement }] })) });

test("joins the parts of several runs, and owns up to the busiest of them", () => {
  const all = joined([steady, growth(5_000), growth(10, 5_000)]);

  expect(all).toMatchObject({ command: "a`, `b", seconds: 180, machine: { loadAverage: 3 } });
  expect(all.steady).toHaveLength(1);
  expect(all.growth.map(({ rows }) => rows)).toEqual([10, 5_000]);
});

test("alerts agree where none is missing, unexpected or doubled", () => {
  expect(allAgree(joined([steady, growth(10)]))).toBe(true);
  expect(allAgree(run("c", 0, { steady: [{ agreement: { ...agreement, missing: 1 } }] }))).toBe(false);
  // Not compared is not wrong.
  expect(allAgree(run("d", 0, { steady: [{ agreement: undefined }] }))).toBe(true);
});
