import { describe, expect, test } from "@jest/globals";
import { bytesOf, int32, message, TRANSACTION } from "../../../shared/change-events/samples.ts";
import { shownOf } from "../../../shared/change-events/shown.ts";
import { filterOf } from "./filter.ts";

const record = (key: string | null, value: string | Uint8Array) => ({
  key: key === null ? null : Buffer.from(key),
  value: Buffer.from(value),
  timestamp: "1793534400400",
  offset: "7",
});

describe("--filter", () => {
  const change = bytesOf(message({ op: "c", after: { ...TRANSACTION, id: int32(9) } }));
  const shown = shownOf(2, record('{"id":9}', change), true);
  const passes = (...filters: string[]) => filterOf(filters)(shown);

  test.each(["op=c", "id=9", "user_id=1234", "key=9", "partition=2", "card_type"])("%s holds", (filter) => {
    expect(passes(filter)).toBe(true);
  });

  test.each(["op=d", "id=91", "user_id=123", "key=8", "nowhere"])("%s does not", (filter) => {
    expect(passes(filter)).toBe(false);
  });

  test("all of them have to hold, and none holds always", () => {
    expect(passes("op=c", "id=9")).toBe(true);
    expect(passes("op=c", "id=8")).toBe(false);
    expect(passes()).toBe(true);
    expect(() => passes("")).toThrow("--filter takes a text");
  });

  test("looks for a text with an equals sign in what is no change event", () => {
    expect(filterOf(["a=1"])(shownOf(0, record(null, "x a=1 y"), false))).toBe(true);
  });
});
