import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Matcher, NOWHERE } from "./matcher.ts";

const any = { minimum: Number.NEGATIVE_INFINITY, maximum: Number.POSITIVE_INFINITY };

function loaded(text: string, matcher = new Matcher([any])): Matcher {
  expect(matcher.loadBase64(Buffer.from(text).toString("base64"))).toBe(true);
  return matcher;
}

test("matcher.wasm.ts is what assembly/matcher.ts compiles to", () => {
  const [compiler, committed] = ["compile-matcher.ts", "matcher.wasm.ts"].map((name) =>
    join(import.meta.dirname, name),
  );
  const compiled = execFileSync(process.execPath, [compiler as string, "--print"], { encoding: "utf8" });
  expect(compiled).toBe(readFileSync(committed as string, "utf8"));
});

describe("skipValue", () => {
  /** Where a value ends when `rest` follows, by JSON.parse: undefined for what is none. */
  function isJson(text: string): boolean {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  }

  test("takes what JSON.parse takes, and nothing else, whatever lies behind it", () => {
    const matcher = new Matcher([any]);
    const number = fc.stringMatching(/^[-+0-9.eE:/ ]{1,40}$/);
    const text = fc.stringMatching(/^"[ -~]{0,40}"$/);
    const broken = fc.stringMatching(/^"(\\[ -~]|\\u[0-9a-fA-Fg]{0,4}|[ -~]){0,40}"$/);
    const word = fc.constantFrom("null", "true", "false", "nul", "nulL", "tru", "True", "fals", "falsy");
    const one = fc.oneof(number, text, broken, word, fc.json());
    fc.assert(
      fc.property(one, fc.constantFrom("", ",1", "}", "]"), (value, rest) => {
        // White space between tokens is JSON too, but Debezium writes none.
        fc.pre(!/[\s]/.test(value.replaceAll(/"(?:[^"\\]|\\.)*"/g, "")));
        loaded(value + rest, matcher);
        const end = matcher.skipValue(0);
        if (isJson(value)) expect(end).toBe(Buffer.byteLength(value));
        else if (end !== NOWHERE) expect(isJson(Buffer.from(value + rest).toString("utf8", 0, end))).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33])(
    "finds what ends a text or a number of %d characters",
    (length) => {
      const matcher = new Matcher([any]);
      for (const ending of ["\\", '"', "\u0001", "é"]) {
        loaded(`"${"x".repeat(length - 1)}${ending === '"' ? "" : ending}`, matcher);
        expect(matcher.skipString(0)).toBe(NOWHERE);
      }
      loaded(`"${"x".repeat(length)}",`, matcher);
      expect(matcher.skipString(0)).toBe(length + 2);
      for (const ending of ["", ",", ":", "/", "}"]) {
        loaded("7".repeat(length) + ending, matcher);
        expect(matcher.skipValue(0)).toBe(length);
      }
    },
  );

  test("leaves deep nesting to JSON.parse", () => {
    const nested = (depth: number) => loaded("[".repeat(depth) + "]".repeat(depth)).skipValue(0);
    expect(nested(32)).toBe(64);
    expect(nested(33)).toBe(NOWHERE);
  });
});

test("a message of any size fits, and what was read before it stays", () => {
  const matcher = new Matcher([any, any]);
  matcher.numbers[1] = 7;
  for (const length of [10, 70_000, 500, 3_000_000, 20]) {
    loaded(`"${"x".repeat(length)}"`, matcher);
    expect(matcher.end).toBe(length + 2);
    expect(matcher.skipString(0)).toBe(length + 2);
    expect(matcher.numbers[1]).toBe(7);
  }
});
