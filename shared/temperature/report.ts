import { type ReportWindow, windowMinutes } from "./window.ts";

/** One sensor in one window; temperatures in °C. */
export interface SensorReport {
  readonly sensorId: string;
  readonly average: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly readings: number;
}

export interface TemperatureReport {
  readonly windowStart: Date;
  readonly windowEnd: Date;
  readonly sensors: readonly SensorReport[];
  readonly message: string;
}

export function temperatureReport(window: ReportWindow, sensors: readonly SensorReport[]): TemperatureReport {
  return { windowStart: window.start, windowEnd: window.end, sensors, message: messageFor(sensors) };
}

/** One sentence for all sensors together: the average of their readings, not of their averages. */
function messageFor(sensors: readonly SensorReport[]): string {
  const readings = sensors.reduce((sum, sensor) => sum + sensor.readings, 0);
  if (readings === 0) return `No data in last ${windowMinutes} minutes`;
  const average = sensors.reduce((sum, sensor) => sum + sensor.average * sensor.readings, 0) / readings;
  const count = readings === 1 ? "1 reading" : `${readings} readings`;
  return `Average temperature over the last ${windowMinutes} minutes: ${average.toFixed(2)} °C (${count})`;
}
