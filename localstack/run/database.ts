import { connectPostgres, type Pool, type PostgresLimits } from "../../shared/postgres/index.ts";
import type { Settings } from "../stack/settings.ts";

/** A pool to a database of the local stack, for the tools. */
export function connectTo(
  settings: Settings,
  database: string,
  limits: Partial<Pick<PostgresLimits, "connectionsMax" | "statementTimeoutMs">> = {},
): Pool {
  return connectPostgres(
    {
      host: settings.postgres.host,
      port: settings.postgres.port,
      user: settings.postgres.user,
      password: settings.postgres.password,
      database,
      tls: false,
      applicationName: "tripline",
    },
    { limits: { connectionsMax: 2, ...limits } },
  );
}
