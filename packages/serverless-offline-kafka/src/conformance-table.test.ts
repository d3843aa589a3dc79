import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import "../tests/conformance/cases/all.ts";
import { declaredCases } from "../tests/conformance/conformance.ts";
import type { Feature } from "../tests/conformance/features.ts";
import { FEATURES } from "../tests/conformance/features.ts";
import { caseKey, outcomesOf, problemsOf, README_PATH, renderTable, withTable } from "../tests/conformance/table.ts";

const readme = readFileSync(README_PATH, "utf8");
/** As if every case that is declared had passed. */
const declared = new Map(
  declaredCases.map(({ feature, isFailing, sentence }) => [
    caseKey(feature, sentence),
    isFailing ? ("known bug" as const) : ("passed" as const),
  ]),
);

const feature: Feature = {
  id: "order",
  area: "Delivery",
  aws: "In order",
  status: "supported",
  here: "Always",
  cases: ["b comes after a"],
};
const resultsOf = (status: string, title = "b comes after a") => ({
  testResults: [{ message: "", assertionResults: [{ ancestorTitles: ["order"], title, status }] }],
});

describe("README.md", () => {
  test("has the table of the cases that there are, no claim without a case and no case without a claim", () => {
    expect(problemsOf(FEATURES, declared)).toEqual([]);
    expect(withTable(readme, renderTable(FEATURES, declared))).toBe(readme);
  });

  test("no two cases and no two features are called the same", () => {
    expect(declared.size).toBe(declaredCases.length);
    expect(new Set(FEATURES.map(({ id }) => id)).size).toBe(FEATURES.length);
  });

  test("explains every code there is, and no other", () => {
    const errors = readFileSync(new URL("./errors.ts", import.meta.url), "utf8");
    const codesIn = (text: string) => [...new Set(text.match(/SOK_[A-Z]+(?:_[A-Z]+)*/g) ?? [])].sort();
    expect(codesIn(readme)).toEqual(codesIn(errors));
  });
});

describe("the table", () => {
  test("claims what has passed", () => {
    expect(renderTable([feature], outcomesOf(resultsOf("passed")))).toContain("| In order | supported | Always | 1 |");
  });

  test.each(["failed", "pending", "skipped"])("refuses a claim whose case is %s", (status) => {
    expect(() => renderTable([feature], outcomesOf(resultsOf(status)))).toThrow("did not pass: order: b comes after a");
  });

  test("refuses a case that proves no claim", () => {
    const outcomes = outcomesOf(resultsOf("passed"));
    expect(problemsOf([], outcomes)).toEqual(["is not in features.ts: order: b comes after a"]);
  });

  test("shows a bug that is known in place of the claim", () => {
    const outcomes = outcomesOf(resultsOf("passed", "b comes after a (known bug)"));
    expect(renderTable([feature], outcomes)).toContain(
      "| **known bug** | It is not so yet that b comes after a. Always |",
    );
  });

  test("needs its place in README.md", () => {
    expect(() => withTable("no place", "table")).toThrow("README.md needs a line");
  });
});
