import { expect, test } from "@jest/globals";
import { fakePool, type Statement } from "../../../shared/postgres/fake-pool.ts";
import { AlertCounter, minutesShown } from "./observe.ts";

const start = Date.parse("2026-11-28T05:30:20Z");
const minuteMs = 60_000;

/** PostgreSQL with these alerts a minute, of one agent. */
function counterWith(alerts: ReadonlyMap<string, number>, clock: { now: number }) {
  const { pool, statements } = fakePool(({ text, values }: Statement) => {
    if (!text.includes("group by")) return [{ alerts: 3, p50: 40, p99: 90 }];
    const from = values[0] as Date;
    return [...alerts]
      .filter(([minute]) => Date.parse(minute) >= from.getTime())
      .map(([minute, count]) => ({ minute, agent: "profile", alerts: count }));
  });
  const counter = new AlertCounter(pool, () => new Date(clock.now));
  const counted = () =>
    statements.filter(({ text }) => text.includes("group by")).map(({ values }) => (values[0] as Date).toISOString());
  return { counter, counted };
}

test("counts each minute, the running one last, those without alerts as none", async () => {
  const alerts = new Map([
    ["2026-11-28T05:10:00.000000Z", 7],
    ["2026-11-28T05:30:00.000000Z", 2],
  ]);
  const { counter } = counterWith(alerts, { now: start });
  const { minutes, lastMinute, delay } = await counter.count();
  expect(minutes).toHaveLength(minutesShown);
  expect(minutes.at(-1)).toEqual({ minute: "2026-11-28T05:30:00.000Z", alerts: { profile: 2 } });
  expect(minutes.find(({ minute }) => minute.includes("T05:10"))?.alerts).toEqual({ profile: 7 });
  expect(minutes[0]).toEqual({ minute: "2026-11-28T05:01:00.000Z", alerts: {} });
  expect([lastMinute, delay]).toEqual([3, { p50Ms: 40, p99Ms: 90 }]);
});

test("counts a minute that is over once, however often it is looked at", async () => {
  const clock = { now: start };
  const alerts = new Map([["2026-11-28T05:20:00.000000Z", 1_000_000]]);
  const { counter, counted } = counterWith(alerts, clock);
  await counter.count();
  await counter.count();
  clock.now += minuteMs;
  const { minutes } = await counter.count();
  expect(counted()).toEqual([
    "2026-11-28T05:01:00.000Z",
    // The minute before the running one: an alert of it may have been stored after it was looked at.
    "2026-11-28T05:29:00.000Z",
    "2026-11-28T05:29:00.000Z",
  ]);
  expect(minutes.find(({ minute }) => minute.includes("T05:20"))?.alerts).toEqual({ profile: 1_000_000 });
});
