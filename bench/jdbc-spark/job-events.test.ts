import { expect, test } from "@jest/globals";
import { parseJobEvent } from "./job-events.ts";

test("reads what the job says of a poll", () => {
  const line =
    '{"event": "poll", "name": "id", "startedAtMs": 1000.5, "endedAtMs": 1250.5, "ms": 250.0, "rows": 500, "alerts": 3}';

  expect(parseJobEvent(line)).toEqual({
    kind: "pass",
    pass: { kind: "poll", name: "id", startedAtMs: 1000.5, endedAtMs: 1250.5, ms: 250, rows: 500, alerts: 3 },
  });
});

test("a full reload does not count its rows", () => {
  const event = parseJobEvent('{"event": "first", "name": "reload", "ms": 1, "rows": null, "alerts": 0}');

  expect(event).toMatchObject({ kind: "pass", pass: { kind: "first", rows: null } });
});

test("passes failures on and leaves other output alone", () => {
  expect(parseJobEvent('{"event": "failed", "message": "no"}')).toEqual({ kind: "failed", message: "no" });
  for (const line of ["", "26/11/28 WARN Utils: …", '{"event": "other"}', '{"event": "poll", '])
    expect(parseJobEvent(line)).toBeUndefined();
});
