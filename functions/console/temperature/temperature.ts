import * as v from "valibot";
import type { Pool } from "../../../shared/postgres/index.ts";
import { type SensorReport, temperatureMessage } from "../../../shared/temperature/report.ts";
import type { SensorView, TemperatureView } from "../api.ts";
import { parseQuery, type Route, wholeNumber } from "../http/router.ts";
import { isoText } from "../sql.ts";

const hoursMax = 168;

const TemperatureQuery = v.object({ hours: v.optional(wholeNumber(1, hoursMax), "6") });

type Reading = SensorView["readings"][number] & { readonly sensorId: string };
type Average = SensorView["averages"][number] & { readonly sensorId: string };

export function temperatureRoutes(pool: Pool, clock: () => Date): Route[] {
  return [
    {
      method: "GET",
      path: "/api/temperature",
      view: ({ query }) => findTemperature(pool, clock(), parseQuery(TemperatureQuery, query).hours),
    },
  ];
}

async function findTemperature(pool: Pool, to: Date, hours: number): Promise<TemperatureView> {
  const from = new Date(to.getTime() - hours * 3_600_000);
  const { rows: readings } = await pool.query<Reading>(
    `select sensor_id as "sensorId", ${isoText("recorded_at")} as at, temperature as celsius from temperature_readings
     where recorded_at >= $1::timestamp and recorded_at <= $2::timestamp and sensor_id is not null and temperature is not null
     order by recorded_at, id`,
    [from, to],
  );
  const { rows: averages } = await pool.query<Average>(
    `select sensor_id as "sensorId", ${isoText("window_start")} as "from", ${isoText("window_end")} as "to",
       average, minimum, maximum, readings
     from temperature_reports where window_end > $1::timestamp and window_end <= $2::timestamp order by window_end`,
    [from, to],
  );
  const ids = [...new Set([...readings, ...averages].map(({ sensorId }) => sensorId))].sort();
  return {
    from: from.toISOString(),
    to: to.toISOString(),
    sensors: ids.map((sensorId) => ({
      sensorId,
      readings: readings.filter((each) => each.sensorId === sensorId).map(({ at, celsius }) => ({ at, celsius })),
      averages: averages.filter((each) => each.sensorId === sensorId).map(({ sensorId: _, ...average }) => average),
    })),
    lastReport: await findLastReport(pool),
  };
}

async function findLastReport(pool: Pool): Promise<TemperatureView["lastReport"]> {
  const { rows } = await pool.query<SensorReport & { windowEnd: string }>(
    `select sensor_id as "sensorId", average, minimum, maximum, readings, ${isoText("window_end")} as "windowEnd"
     from temperature_reports where window_end = (select max(window_end) from temperature_reports)`,
  );
  const [first] = rows;
  return first === undefined ? null : { message: temperatureMessage(rows), windowEnd: first.windowEnd };
}
