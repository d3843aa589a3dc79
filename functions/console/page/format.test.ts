import { describe, expect, test } from "@jest/globals";
import { formatBytes, formatDuration, formatValue, inputOfUtc, utcOfInput, withGaps } from "./format.ts";
import { delayAfter } from "./live.ts";
import { addressOf } from "./router.ts";

test.each([
  [0, "0 B"],
  [1_023, "1023 B"],
  [1_536, "1.5 KB"],
  [300 * 2 ** 20, "300 MB"],
  [5 * 2 ** 40, "5.0 TB"],
])("%i bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [41.6, "42 ms"],
  [1_500, "1.5 s"],
  [120_000, "2 min"],
  [7_200_000, "2 h"],
  [259_200_000, "3 days"],
])("%d ms are %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("what is typed into a field without a zone is UTC, and comes back into it", () => {
  expect(utcOfInput("2026-11-28T05:00")).toBe("2026-11-28T05:00:00Z");
  expect(utcOfInput("2026-11-28T05:00:07")).toBe("2026-11-28T05:00:07Z");
  expect(inputOfUtc(utcOfInput("2026-11-28T05:00:07"))).toBe("2026-11-28T05:00:07");
  expect([utcOfInput(""), inputOfUtc("")]).toEqual(["", ""]);
});

test("JSON is laid out, and anything else left as it is", () => {
  expect(formatValue('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(formatValue("<b>Hello")).toBe("<b>Hello");
});

test("where nothing was measured there are points without a value, so that no line is drawn", () => {
  const points = [0, 60_000, 600_000].map((atMs) => ({ atMs, value: 20 }));
  expect(withGaps(points, 150_000)).toEqual([
    ...points.slice(0, 2),
    { atMs: 60_001, value: null },
    { atMs: 599_999, value: null },
    ...points.slice(2),
  ]);
  expect(withGaps([], 1)).toEqual([]);
});

describe("how long the page waits before it asks again", () => {
  test("is the same as long as it is answered", () => {
    expect([0, 1].map((random) => delayAfter(0, 2_000, random))).toEqual([2_000, 2_000]);
  });

  test("doubles with each failure, up to half a minute, and differs from page to page", () => {
    expect([1, 2, 3, 4, 9].map((failures) => delayAfter(failures, 2_000, 0.5))).toEqual([
      4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    expect(delayAfter(1, 2_000, 0)).toBeLessThan(delayAfter(1, 2_000, 1));
  });
});

test("an address has what is filtered by, and nothing that is empty", () => {
  expect(addressOf("/alerts", { agent: "profile", user: "", card: undefined })).toBe("/alerts?agent=profile");
  expect(addressOf("/alerts", { card: "<b>&=" })).toBe("/alerts?card=%3Cb%3E%26%3D");
  expect(addressOf("/alerts", {})).toBe("/alerts");
});
