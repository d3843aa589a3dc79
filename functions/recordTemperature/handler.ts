import { type LambdaHandler, lambdaHandler, ScheduledEvent } from "../../shared/lambda/index.ts";
import { inTransaction, type Pool } from "../../shared/postgres/index.ts";
import type { RecordTemperatureConfig } from "./config.ts";
import { drawTemperature } from "./sensor.ts";

export interface Reading {
  readonly id: number;
  readonly sensorId: string;
  /** °C */
  readonly temperature: number;
  readonly recordedAt: Date;
}

export interface RecordTemperatureDependencies {
  readonly pool: Pool;
  readonly config: RecordTemperatureConfig;
  readonly random: () => number;
}

/** Every minute: one reading of the simulated sensor into temperature_readings. PostgreSQL's clock says when. */
export function createHandler({ pool, config, random }: RecordTemperatureDependencies): LambdaHandler<Reading> {
  return lambdaHandler({ input: ScheduledEvent }, async (_event, { logger }) => {
    const temperature = drawTemperature(random);
    const reading = await insertReading(pool, config.sensorId, temperature);
    logger.info(`${reading.sensorId} recorded ${temperature.toFixed(2)} °C`, { ...reading });
    return reading;
  });
}

function insertReading(pool: Pool, sensorId: string, temperature: number): Promise<Reading> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<Reading>(
      `insert into temperature_readings (sensor_id, temperature) values ($1, $2)
       returning id, sensor_id as "sensorId", temperature, recorded_at as "recordedAt"`,
      [sensorId, temperature],
    );
    const [reading] = rows;
    if (reading === undefined) throw new Error("PostgreSQL stored the reading but did not return it");
    return reading;
  });
}
