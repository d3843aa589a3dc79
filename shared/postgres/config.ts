import type { ConnectionOptions } from "node:tls";
import type pg from "pg";
import * as v from "valibot";
import type { RdsUser } from "../aws/rds-token.ts";
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

const ServerEnvironment = v.object({
  PGHOST: v.string(),
  PGPORT: v.optional(integerSetting(1, 65_535), "5432"),
  PGSSLMODE: v.exactOptional(v.picklist(tlsModes, `must be one of ${tlsModes.join(", ")}`)),
});

const PostgresEnvironment = v.object({
  ...ServerEnvironment.entries,
  PGUSER: v.string(),
  PGPASSWORD: v.exactOptional(v.string()),
  PG_AUTHENTICATION: v.optional(v.picklist(["password", "iam"], "must be password or iam"), "password"),
  PGDATABASE: v.string(),
  PGAPPNAME: v.exactOptional(v.string()),
  AWS_LAMBDA_FUNCTION_NAME: v.exactOptional(v.string()),
});

/**
 * Reads where PostgreSQL is, and who signs in how, from libpq's own variables. Without PGSSLMODE, a connection that leaves the machine is
 * encrypted and verified, and one that does not is plain. With PG_AUTHENTICATION=iam, the function's own AWS credentials take the place
 * of a password.
 *
 * @throws {ConfigError} naming what is missing or wrong
 */
export function postgresConfig(environment: Environment = process.env): PostgresConfig {
  const settings = readEnvironment(PostgresEnvironment, environment);
  const server = { host: settings.PGHOST, port: settings.PGPORT, user: settings.PGUSER };
  return {
    ...server,
    password: settings.PG_AUTHENTICATION === "iam" ? () => iamToken(server, environment) : settings.PGPASSWORD,
    database: settings.PGDATABASE,
    tls: tlsOf(settings),
    applicationName: settings.PGAPPNAME ?? settings.AWS_LAMBDA_FUNCTION_NAME ?? "tripline",
  };
}

/** Where PostgreSQL is, for those who get user and password elsewhere. */
export function postgresServer(
  environment: Environment = process.env,
): Required<Pick<pg.ClientConfig, "host" | "port" | "ssl">> {
  const settings = readEnvironment(ServerEnvironment, environment);
  return { host: settings.PGHOST, port: settings.PGPORT, ssl: tlsOf(settings) };
}

function tlsOf({ PGHOST, PGSSLMODE }: v.InferOutput<typeof ServerEnvironment>): ConnectionOptions | false {
  return tlsByMode[PGSSLMODE ?? (isLocal(PGHOST) ? "disable" : "verify-full")];
}

function isLocal(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.") || host.startsWith("/");
}

/** Loaded when the first connection is opened: on a laptop it never is. */
async function iamToken(server: RdsUser, environment: Environment): Promise<string> {
  const { rdsToken } = await import("../aws/rds-token.ts");
  return rdsToken(server, environment);
}
