import { type LambdaHandler, lambdaHandler, ScheduledEvent } from "../../shared/lambda/index.ts";
import { inTransaction, type Pool } from "../../shared/postgres/index.ts";
import {
  type ReportWindow,
  type SensorReport,
  type TemperatureReport,
  temperatureReport,
} from "../../shared/temperature/report.ts";
import { reportWindow } from "./window.ts";

export interface ReportTemperatureDependencies {
  readonly pool: Pool;
  readonly clock: () => Date;
}

/** Every ten minutes: the average of the last ten, for each sensor, into temperature_reports. */
export function createHandler({ pool, clock }: ReportTemperatureDependencies): LambdaHandler<TemperatureReport> {
  return lambdaHandler({ input: ScheduledEvent }, async (event, { logger }) => {
    const window = reportWindow(event.time, clock());
    const sensors = await summarise(pool, window);
    const report = temperatureReport(window, sensors);
    const { message, ...details } = report;
    logger.info(message, details);
    return report;
  });
}

/**
 * Averages and stores in one statement: what is reported is what is stored. A window that is reported again replaces its own
 * row. recorded_at has no zone and is in UTC, as is the session.
 */
function summarise(pool: Pool, { start, end }: ReportWindow): Promise<SensorReport[]> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<SensorReport>(
      `insert into temperature_reports (sensor_id, window_start, window_end, average, minimum, maximum, readings)
       select sensor_id, $1::timestamp, $2::timestamp, avg(temperature), min(temperature), max(temperature), count(*)
       from temperature_readings
       where recorded_at >= $1::timestamp and recorded_at < $2::timestamp
         and sensor_id is not null and temperature is not null
       group by sensor_id
       order by sensor_id
       on conflict (sensor_id, window_start, window_end) do update
       set average = excluded.average, minimum = excluded.minimum, maximum = excluded.maximum, readings = excluded.readings
       returning sensor_id as "sensorId", average, minimum, maximum, readings`,
      [start, end],
    );
    return rows;
  });
}
