export { type PostgresConfig, postgresConfig, postgresServer } from "./config.ts";
export { PostgresError, type PostgresErrorCode } from "./errors.ts";
export { isOutage, outlastOutage } from "./outage.ts";
export {
  connectPostgres,
  inTransaction,
  type Pool,
  type PoolClient,
  type PostgresLimits,
  type PostgresOptions,
  postgresLimits,
} from "./pool.ts";
