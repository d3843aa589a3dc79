import * as v from "valibot";
import { type Environment, readEnvironment } from "../../shared/config/environment.ts";

/** The width of temperature_readings.sensor_id. */
const sensorIdLengthMax = 50;

const RecordTemperatureEnvironment = v.object({
  SENSOR_ID: v.optional(
    v.pipe(v.string(), v.maxLength(sensorIdLengthMax, `must have at most ${sensorIdLengthMax} characters`)),
    "sensor-1",
  ),
});

export interface RecordTemperatureConfig {
  readonly sensorId: string;
}

export function recordTemperatureConfig(environment: Environment = process.env): RecordTemperatureConfig {
  return { sensorId: readEnvironment(RecordTemperatureEnvironment, environment).SENSOR_ID };
}
