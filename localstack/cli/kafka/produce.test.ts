import { expect, test } from "@jest/globals";
import { messageOf } from "./produce.ts";

test("a value has the key that all have, or its own before the separator, or none", () => {
  expect(messageOf("Hello", {})).toEqual({ key: null, value: "Hello" });
  expect(messageOf("Hello", { key: "c1" })).toEqual({ key: "c1", value: "Hello" });
  expect(messageOf("c1:a:b", { keySeparator: ":" })).toEqual({ key: "c1", value: "a:b" });
  expect(() => messageOf("Hello", { keySeparator: ":" })).toThrow("There is no ':' in 'Hello'");
});
