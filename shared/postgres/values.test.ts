import { describe, expect, test } from "@jest/globals";
import pg from "pg";
import { parseBigint, parseTimestamp, types } from "./values.ts";

const { INT8, INT4, NUMERIC, TIMESTAMP } = pg.types.builtins;

describe("values from PostgreSQL", () => {
  test("a bigint is a number", () => {
    expect(types.getTypeParser(INT8)("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("a bigint that a number would round is an error", () => {
    expect(() => parseBigint("9007199254740993")).toThrow(expect.objectContaining({ code: "INTEGER_TOO_LARGE" }));
  });

  test("a timestamp without zone is in UTC, wherever the process runs", () => {
    expect(types.getTypeParser(TIMESTAMP)("2026-11-23 12:10:00.123456")).toEqual(new Date("2026-11-23T12:10:00.123Z"));
  });

  test("a timestamp that is no date is an error", () => {
    expect(() => parseTimestamp("infinity")).toThrow(expect.objectContaining({ code: "TIMESTAMP_OUT_OF_RANGE" }));
  });

  test("everything else is as pg has it", () => {
    expect(types.getTypeParser(INT4)("7")).toBe(7);
    expect(types.getTypeParser(NUMERIC)("4812.50")).toBe("4812.50");
  });
});
