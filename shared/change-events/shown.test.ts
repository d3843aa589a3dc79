import { describe, expect, test } from "@jest/globals";
import { bytesOf, int32, message, preciseDecimal, TRANSACTION, TRANSACTION_KEY, timestampUs } from "./samples.ts";
import { describeChange, type ReadMessage, shownOf } from "./shown.ts";

const record = (key: string | null, value: object | string | null): ReadMessage => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(typeof value === "string" ? value : bytesOf(value)),
  timestamp: "1793534400400",
  offset: "7",
});

const row = {
  ...TRANSACTION,
  id: int32(9),
  amount: preciseDecimal(1_250n),
  created_at: timestampUs(1_793_534_400_000_001),
};

describe("a record", () => {
  test("is shown as it is", () => {
    expect(shownOf(3, record("c1", "Hello"), false)).toEqual({
      partition: 3,
      offset: 7,
      timestamp: "2026-11-01T12:00:00.400Z",
      key: "c1",
      value: "Hello",
    });
    expect(shownOf(3, record(null, null), false)).toMatchObject({ key: null, value: null });
  });

  test.each([
    ['{"id":9}', "9"],
    ['{"schema":{},"payload":{"id":9}}', "9"],
    ['{"user_id":1,"day":7}', "user_id=1 day=7"],
    ["9", "9"],
    ["no JSON", "no JSON"],
  ])("with the key %s has the key %s once it is decoded", (key, shown) => {
    expect(shownOf(0, record(key, null), true).key).toBe(shown);
  });

  test("that is no change event says so, and stays readable", () => {
    expect(shownOf(0, record(null, "Hello"), true)).toMatchObject({
      value: "Hello",
      undecodable: expect.stringMatching(/^no change event: .*not UTF-8 JSON/),
    });
  });
});

describe("a change event", () => {
  const changeOf = (value: object | null) => shownOf(0, record('{"id":9}', value), true).change;

  test("with a schema has amounts and times as SQL shows them", () => {
    expect(changeOf(message({ op: "c", after: row, schemas: true }))).toMatchObject({
      op: "c",
      table: "public.transactions",
      after: { id: 9, amount: "12.50", created_at: "2026-11-01T12:00:00.000001Z" },
    });
  });

  test("is one line: what was written, what was changed into what, and what went", () => {
    expect(describeChange({ op: "c", before: null, after: { id: 1, name: "Alice", email: null } })).toBe(
      "id=1 name=Alice email=null",
    );
    const before = { id: 1, name: "Alice" };
    expect(describeChange({ op: "u", before, after: { id: 1, name: "Alicia" } })).toBe("id=1 name=Alice→Alicia");
    expect(describeChange({ op: "u", before: null, after: { id: 1, name: "Alicia" } })).toBe("id=1 name=Alicia");
    expect(describeChange({ op: "d", before: { id: 1, name: "", email: null }, after: null })).toBe("id=1");
    expect(describeChange({ op: null })).toBe("tombstone");
    expect(describeChange({ op: "t", before: null, after: null })).toBe("");
  });

  test("that is a delete and its tombstone", () => {
    expect(changeOf(message({ op: "d", before: TRANSACTION_KEY }))).toMatchObject({ op: "d", after: null });
    expect(changeOf(null)).toEqual({ op: null });
  });
});
