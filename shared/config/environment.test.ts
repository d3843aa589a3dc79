import { describe, expect, test } from "@jest/globals";
import * as v from "valibot";
import { booleanSetting, integerSetting, readEnvironment } from "./environment.ts";

describe("readEnvironment", () => {
  const schema = v.object({
    LIMIT: v.optional(integerSetting(1, 10), "5"),
    ON: v.optional(booleanSetting, "false"),
    NAME: v.string(),
  });

  test("gives defaults to what is not set or empty", () => {
    expect(readEnvironment(schema, { NAME: "a", LIMIT: "", OTHER: "x" })).toEqual({ LIMIT: 5, ON: false, NAME: "a" });
  });

  test.each(["0", "11", "1.5", "-1", "ten", " 3"])("%p is no whole number from 1 to 10", (LIMIT) => {
    expect(() => readEnvironment(schema, { NAME: "a", LIMIT })).toThrow(
      expect.objectContaining({ code: "CONFIG", message: expect.stringContaining("LIMIT must be a whole number") }),
    );
  });

  test("a flag is true or false and nothing else", () => {
    expect(readEnvironment(schema, { NAME: "a", ON: "true" }).ON).toBe(true);
    expect(() => readEnvironment(schema, { NAME: "a", ON: "no" })).toThrow("ON must be true or false");
  });
});
