/** What a report is about. */
export const windowMinutes = 10;

/** From start, included, to end, not included. */
export interface ReportWindow {
  readonly start: Date;
  readonly end: Date;
}

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
  return { windowStart: window.start, windowEnd: window.end, sensors, message: temperatureMessage(sensors) };
}

/** One sentence for all sensors together: the average of their readings, not of their averages. */
export function temperatureMessage(sensors: readonly SensorReport[]): string {
  const readings = sensors.reduce((sum, sensor) => sum + sensor.readings, 0);
  if (readings === 0) return `No data in last ${windowMinutes} minutes`;
  const average = sensors.reduce((sum, sensor) => sum + sensor.average * sensor.readings, 0) / readings;
  const count = readings === 1 ? "1 reading" : `${readings} readings`;
  return `Average temperature over the last ${windowMinutes} minutes: ${average.toFixed(2)} °C (${count})`;
}
