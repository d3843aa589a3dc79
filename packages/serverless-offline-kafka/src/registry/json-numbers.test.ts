import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { doubleJson, floatJson } from "./json-numbers.ts";

describe("doubleJson", () => {
  test("reads back as the same double", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(finite, (value) => Object.is(JSON.parse(doubleJson(value)), value)));
  });

  test.each([
    [Number.NaN, '"NaN"'],
    [Number.POSITIVE_INFINITY, '"Infinity"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    [-0, "-0"],
    [300, "300"],
  ])("%p is %s", (value, json) => {
    expect(doubleJson(value)).toBe(json);
  });
});

describe("floatJson", () => {
  test("reads back as the same float", () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(fc.property(finite, (value) => Object.is(Math.fround(JSON.parse(floatJson(value))), value)));
  });

  test.each([
    [Math.fround(1.1), "1.1"],
    [Math.fround(0.3), "0.3"],
    [16_777_216, "16777216"],
    [3.4028234663852886e38, "3.4028235e+38"],
    [1.401298464324817e-45, "1e-45"],
    [-0, "-0"],
    [Number.NaN, '"NaN"'],
  ])("%p is as short as can be: %s", (value, json) => {
    expect(floatJson(value)).toBe(json);
  });
});
