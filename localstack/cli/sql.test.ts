import { expect, test } from "@jest/globals";
import { isComplete } from "./sql-prompt.ts";
import { sqlTable } from "./sql-table.ts";

const fields = [
  { name: "id", dataTypeID: 23 },
  { name: "name", dataTypeID: 25 },
];

test("rows are printed as psql prints them", () => {
  const rows = [
    ["1", "Alice"],
    ["10", null],
  ];
  expect(sqlTable(fields, rows)).toBe(" id | name\n----+-------\n  1 | Alice\n 10 |\n(2 rows)\n");
  expect(sqlTable(fields, [])).toBe(" id | name\n----+------\n(0 rows)\n");
  expect(sqlTable(fields, rows, { unaligned: true, tuplesOnly: true })).toBe("1|Alice\n10|");
  expect(sqlTable(fields, [["1", "x"]], { unaligned: true })).toBe("id|name\n1|x\n(1 row)");
});

test.each([
  ["select 1;", true],
  ["select 1", false],
  ["insert into t values ('a;\n", false],
  ["insert into t values ('a;');", true],
  ["select 'it''s';", true],
  ["\\dt", true],
  ["", false],
])("whether a statement is complete: %j is %s", (text, complete) => {
  expect(isComplete(text)).toBe(complete);
});
