import { expect, test } from "@jest/globals";
import { fillTables } from "./markdown.ts";

const tables = new Map([["drain", "| a |\n|---|\n| 2 |"]]);

test("fills the tables of a document and leaves its text alone", () => {
  const document =
    "Before\n\n<!-- bench: drain -->\n| old |\n<!-- /bench -->\n\nBetween\n<!-- bench: drain -->\n<!-- /bench -->\nAfter\n";
  const filled = "<!-- bench: drain -->\n| a |\n|---|\n| 2 |\n<!-- /bench -->";

  expect(fillTables(document, tables)).toBe(`Before\n\n${filled}\n\nBetween\n${filled}\nAfter\n`);
  expect(fillTables(fillTables(document, tables), tables)).toBe(fillTables(document, tables));
});

test("refuses a document that asks for what was not measured", () => {
  expect(() => fillTables("<!-- bench: latency -->\n<!-- /bench -->", tables)).toThrow(/'latency'.*it has drain/);
});
