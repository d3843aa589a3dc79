import { connectPostgres } from "../../shared/postgres/index.ts";
import { recordTemperatureConfig } from "./config.ts";
import { createHandler } from "./handler.ts";

export const handler = createHandler({
  pool: connectPostgres(),
  config: recordTemperatureConfig(),
  random: Math.random,
});
