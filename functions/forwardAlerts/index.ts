import { createLogger } from "../../shared/lambda/index.ts";
import { connectPostgres } from "../../shared/postgres/index.ts";
import { configuredChannels } from "./channels/index.ts";
import { forwardAlertsConfig } from "./config.ts";
import { createHandler } from "./handler.ts";

const config = forwardAlertsConfig();
const logger = createLogger();

export const handler = createHandler({
  pool: connectPostgres(),
  channels: configuredChannels(config, logger),
  forwardHistorical: config.forwardHistorical,
  logger,
});
