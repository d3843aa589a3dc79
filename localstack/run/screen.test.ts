import { stripVTControlCharacters } from "node:util";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Screen } from "./screen.ts";

const { isTTY, columns } = process.stdout;

describe("the screen", () => {
  let written: string;

  beforeEach(() => {
    written = "";
    jest.spyOn(process.stdout, "write").mockImplementation((text) => {
      written += String(text);
      return true;
    });
    jest.spyOn(console, "log").mockImplementation((text) => {
      written += `${text}\n`;
    });
  });
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
    Object.assign(process.stdout, { isTTY, columns });
  });

  function screenOn(terminal: { columns: number } | "a file"): Screen {
    Object.assign(process.stdout, terminal === "a file" ? { isTTY: false } : { isTTY: true, ...terminal });
    return new Screen();
  }

  /** What a terminal shows of what was written: `\r` and "erase line" start a line anew. Without colours. */
  const shown = () =>
    written.split("\n").map((line) => stripVTControlCharacters(line.split("\r\u001b[2K").at(-1) ?? ""));

  test("keeps the status below the lines of a terminal", () => {
    const screen = screenOn({ columns: 80 });
    screen.line("an alert");
    screen.status("1 row");
    screen.line("another alert");
    screen.status("2 rows");
    expect(shown()).toEqual(["an alert", "another alert", "2 rows"]);

    screen.end();
    expect(shown()).toEqual(["an alert", "another alert", ""]);
  });

  test("cuts a status that is wider than the terminal, because a second line of it could not be taken back", () => {
    screenOn({ columns: 10 }).status("0123456789 rows");
    expect(shown()).toEqual(["012345678"]);
  });

  test("prints the status now and then where there is no terminal, and no control characters", () => {
    jest.useFakeTimers();
    const screen = screenOn("a file");
    for (let second = 1; second <= 25; second++) {
      jest.advanceTimersByTime(1_000);
      screen.status(`${second} rows`);
    }
    screen.line("an alert");
    screen.end();
    expect(written).toBe("10 rows\n20 rows\nan alert\n");
  });
});
