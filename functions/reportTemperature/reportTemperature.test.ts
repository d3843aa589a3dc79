import { describe, expect, test } from "@jest/globals";
import { fakePool } from "../../shared/postgres/fake-pool.ts";
import { type SensorReport, temperatureReport } from "../../shared/temperature/report.ts";
import { createHandler } from "./handler.ts";
import { reportWindow } from "./window.ts";

process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";

const at = (time: string) => new Date(`2026-11-23T${time}Z`);
const sensor = (sensorId: string, average: number, readings: number): SensorReport => ({
  sensorId,
  average,
  minimum: 18,
  maximum: 30,
  readings,
});

describe("reportWindow", () => {
  test.each([
    ["on time", "12:10:00", "12:00:00", "12:10:00"],
    ["late by seconds", "12:10:00.8", "12:00:00", "12:10:00"],
    ["late by minutes", "12:19:58", "12:00:00", "12:10:00"],
    ["a millisecond early, cut to the second", "12:09:59", "12:00:00", "12:10:00"],
    ["just after midnight", "00:00:00", "23:50:00", "00:00:00"],
  ])("scheduled %s at %s: from %s to %s", (_name, scheduled, start, end) => {
    const window = reportWindow(at(scheduled), at("18:00:00"));
    expect([window.start, window.end].map((bound) => bound.toISOString().slice(11, 19))).toEqual([start, end]);
  });

  test("by hand: the ten minutes until now", () => {
    expect(reportWindow(undefined, at("12:13:14.567"))).toEqual({ start: at("12:03:14.567"), end: at("12:13:14.567") });
  });
});

describe("temperatureReport", () => {
  const window = { start: at("12:00:00"), end: at("12:10:00") };
  const message = (...sensors: SensorReport[]) => temperatureReport(window, sensors).message;

  test("one sensor", () => {
    expect(message(sensor("a", 23.4149, 10))).toBe(
      "Average temperature over the last 10 minutes: 23.41 °C (10 readings)",
    );
    expect(message(sensor("a", 20, 1))).toBe("Average temperature over the last 10 minutes: 20.00 °C (1 reading)");
  });

  test("several sensors: each reading counts once", () => {
    expect(message(sensor("a", 20, 9), sensor("b", 30, 1))).toBe(
      "Average temperature over the last 10 minutes: 21.00 °C (10 readings)",
    );
  });

  test("says so when there is no data", () => {
    expect(temperatureReport(window, [])).toEqual({
      windowStart: window.start,
      windowEnd: window.end,
      sensors: [],
      message: "No data in last 10 minutes",
    });
  });
});

describe("reportTemperature", () => {
  test("summarises the scheduled window and returns what was stored", async () => {
    const stored = sensor("sensor-1", 23.41, 10);
    const { pool, statements } = fakePool(({ text }) => (text.startsWith("insert") ? [stored] : []));
    const report = await createHandler({ pool, clock: () => at("12:11:00") })({ time: "2026-11-23T12:10:00Z" });
    expect(report).toMatchObject({ windowStart: at("12:00:00"), windowEnd: at("12:10:00"), sensors: [stored] });
    expect(statements[1]?.values).toEqual([at("12:00:00"), at("12:10:00")]);
  });

  test("invoked by hand without data", async () => {
    const { pool } = fakePool();
    const report = await createHandler({ pool, clock: () => at("12:11:00") })("");
    expect(report.message).toBe("No data in last 10 minutes");
    expect(report.windowEnd).toEqual(at("12:11:00"));
  });
});
