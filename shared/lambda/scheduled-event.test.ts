import { expect, test } from "@jest/globals";
import { parseInput, ScheduledEvent } from "./index.ts";

test("reads the time that the schedule meant", () => {
  const event = { source: "aws.events", "detail-type": "Scheduled Event", time: "2026-11-23T12:10:00Z", detail: {} };
  expect(parseInput(ScheduledEvent, event)).toEqual({ time: new Date("2026-11-23T12:10:00Z") });
});

test.each([[""], [{}], [null], [undefined]])("%p, as sent by hand, has no time", (event) => {
  expect(parseInput(ScheduledEvent, event).time).toBeUndefined();
});

test.each([["now"], [7], [{ time: "yesterday" }]])("refuses %p", (event) => {
  expect(() => parseInput(ScheduledEvent, event)).toThrow(expect.objectContaining({ code: "LAMBDA_INPUT" }));
});
