import { describe, expect, test } from "@jest/globals";
import { fakePool } from "../../shared/postgres/fake-pool.ts";
import { recordTemperatureConfig } from "./config.ts";
import { createHandler } from "./handler.ts";
import { drawTemperature } from "./sensor.ts";

process.env["POWERTOOLS_LOG_LEVEL"] = "SILENT";

describe("drawTemperature", () => {
  test.each([
    [0, 18],
    [0.5, 24],
    [0.123456, 19.48],
    [1 - Number.EPSILON, 30],
  ])("random %p draws %p °C", (random, temperature) => {
    expect(drawTemperature(() => random)).toBe(temperature);
  });
});

describe("recordTemperature", () => {
  const config = { sensorId: "kitchen" };

  test("stores one reading and returns it", async () => {
    const recordedAt = new Date("2026-11-23T12:01:00Z");
    const { pool, statements } = fakePool(({ text, values: [sensorId, temperature] }) =>
      text.startsWith("insert") ? [{ id: 1, sensorId, temperature, recordedAt }] : [],
    );
    const reading = await createHandler({ pool, config, random: () => 0.5 })("");
    expect(reading).toEqual({ id: 1, sensorId: "kitchen", temperature: 24, recordedAt });
    expect(statements.filter(({ text }) => text.includes("temperature_readings"))).toHaveLength(1);
  });

  test("fails when PostgreSQL does, so that the schedule's retry records it", async () => {
    const { pool } = fakePool(({ text }) => {
      if (text.startsWith("insert")) throw new Error("disk full");
      return [];
    });
    await expect(createHandler({ pool, config, random: () => 0.5 })({})).rejects.toThrow("disk full");
  });
});

describe("recordTemperatureConfig", () => {
  test("the sensor is sensor-1 unless SENSOR_ID says otherwise", () => {
    expect(recordTemperatureConfig({})).toEqual({ sensorId: "sensor-1" });
    expect(recordTemperatureConfig({ SENSOR_ID: "kitchen" })).toEqual({ sensorId: "kitchen" });
  });

  test("refuses a sensor that the column cannot hold", () => {
    expect(() => recordTemperatureConfig({ SENSOR_ID: "s".repeat(51) })).toThrow("SENSOR_ID must have at most 50");
  });
});
