import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { StackError } from "../stack/errors.ts";
import { formatBytes, formatDuration, reportFailure, table } from "./output.ts";

describe("table", () => {
  test("has columns as wide as their widest cell", () => {
    expect(
      table([
        ["a", "bb", "c"],
        ["aaa", "b", "cc"],
      ]),
    ).toBe("a    bb  c\naaa  b   cc");
  });

  test("does not count colours", () => {
    expect(
      table([
        ["\u001b[32ma\u001b[39m", "x"],
        ["aa", "y"],
      ]),
    ).toBe("\u001b[32ma\u001b[39m   x\naa  y");
  });

  test("ends no line with spaces, and takes rows of different lengths and none", () => {
    expect(table([["a", ""], ["b"], []])).toBe("a\nb\n");
    expect(table([])).toBe("");
  });
});

test.each([
  [0, "0 MB"],
  [1_499_999, "1 MB"],
  [71_000_000, "71 MB"],
  [1_250_000_000, "1.3 GB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [999, "0 s"],
  [59_999, "59 s"],
  [61_000, "1 min 1 s"],
  [3_661_000, "1 h 1 min"],
])("%d ms are %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

describe("reportFailure", () => {
  let out: string;
  let err: string;
  const exitCode = process.exitCode;

  beforeEach(() => {
    [out, err] = ["", ""];
    jest.spyOn(process.stdout, "write").mockImplementation((text) => {
      out += String(text);
      return true;
    });
    jest.spyOn(console, "error").mockImplementation((text) => {
      err += `${text}\n`;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    process.exitCode = exitCode;
  });

  test("for a script: one JSON object with the code, nothing beside it, and an exit code", () => {
    reportFailure(new StackError("PORT_IN_USE", "5432 is held"), true);

    expect(JSON.parse(out)).toEqual({ ok: false, error: { code: "PORT_IN_USE", message: "5432 is held" } });
    expect(err).toBe("");
    expect(process.exitCode).toBe(1);
  });

  test("for a person: the message alone when we knew that it could happen", () => {
    reportFailure(new StackError("PORT_IN_USE", "5432 is held"), false);

    expect(out).toBe("");
    expect(err).toMatch(/5432 is held\n$/);
    expect(err).not.toMatch(/\n.*at /);
  });

  test("with the stack when we did not", () => {
    reportFailure(new Error("surprise"), false);

    expect(err).toMatch(/surprise[\s\S]*at /);
  });
});
