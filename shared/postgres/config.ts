import type { ConnectionOptions } from "node:tls";
import * as v from "valibot";
import { type Environment, integerSetting, readEnvironment } from "../config/environment.ts";

export interface PostgresConfig {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** A function is asked again for every new connection, so a rotated secret needs no restart. */
  readonly password?: string | (() => Promise<string>) | undefined;
  readonly database: string;
  readonly tls: ConnectionOptions | false;
  readonly applicationName: string;
}

/**
 * The libpq modes that pg can honour. `verify-ca` and `verify-full` need the server's authority among those Node knows: for
 * RDS on Lambda, NODE_EXTRA_CA_CERTS=/var/runtime/ca-cert.pem.
 *
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION
 */
const tlsByMode = {
  disable: false,
  require: { rejectUnauthorized: false },
  "verify-ca": { checkServerIdentity: () => undefined },
  "verify-full": { rejectUnauthorized: true },
} satisfies Record<string, ConnectionOptions | false>;

type TlsMode = keyof typeof tlsByMode;
const tlsModes = Object.keys(tlsByMode) as TlsMode[];

const PostgresEnvironment = v.object({
  PGHOST: v.string(),
  PGPORT: v.optional(integerSetting(1, 65_535), "5432"),
  PGUSER: v.string(),
  PGPASSWORD: v.exactOptional(v.string()),
  PGDATABASE: v.string(),
  PGSSLMODE: v.exactOptional(v.picklist(tlsModes, `must be one of ${tlsModes.join(", ")}`)),
  PGAPPNAME: v.exactOptional(v.string()),
  AWS_LAMBDA_FUNCTION_NAME: v.exactOptional(v.string()),
});

/**
 * Reads where PostgreSQL is from libpq's own variables. Without PGSSLMODE, a connection that leaves the machine is
 * encrypted and verified, and one that does not is plain.
 *
 * @throws {ConfigError} naming what is missing or wrong
 */
export function postgresConfig(environment: Environment = process.env): PostgresConfig {
  const settings = readEnvironment(PostgresEnvironment, environment);
  const mode = settings.PGSSLMODE ?? (isLocal(settings.PGHOST) ? "disable" : "verify-full");
  return {
    host: settings.PGHOST,
    port: settings.PGPORT,
    user: settings.PGUSER,
    password: settings.PGPASSWORD,
    database: settings.PGDATABASE,
    tls: tlsByMode[mode],
    applicationName: settings.PGAPPNAME ?? settings.AWS_LAMBDA_FUNCTION_NAME ?? "tripline",
  };
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.") || host.startsWith("/");
}
