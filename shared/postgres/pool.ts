import pg from "pg";
import { type PostgresConfig, postgresConfig } from "./config.ts";
import { PostgresError } from "./errors.ts";
import { types } from "./values.ts";

export type Pool = pg.Pool;
export type PoolClient = pg.PoolClient;

export interface PostgresLimits {
  /** A Lambda environment handles one invocation at a time, and RDS has few connections to give. */
  readonly connectionsMax: number;
  /** Also how long a query waits while the only connection is busy. */
  readonly connectTimeoutMs: number;
  /** PostgreSQL cancels a statement after this long. */
  readonly statementTimeoutMs: number;
  /** An environment that is frozen inside a transaction gives up its locks after this long. */
  readonly idleInTransactionTimeoutMs: number;
}

export const postgresLimits: PostgresLimits = {
  connectionsMax: 1,
  connectTimeoutMs: 5_000,
  statementTimeoutMs: 30_000,
  idleInTransactionTimeoutMs: 30_000,
};

/** How long after the statement's timeout a server that does not even say so counts as gone. */
export const silenceMs = 5_000;

export interface PostgresOptions {
  readonly limits?: Partial<PostgresLimits>;
  /** Told of an idle connection that broke. The next query opens a new one; nothing else is needed. */
  readonly onConnectionLost?: (error: Error) => void;
}

/**
 * A pool that connects when first used, keeps its connection between invocations, and opens a new one when PostgreSQL went
 * away in the meantime. Sessions are in UTC.
 *
 * @throws {ConfigError} when the environment does not say where PostgreSQL is
 * @example
 * const pool = connectPostgres();
 * const { rows } = await pool.query<{ readings: number }>("select count(*) as readings from temperature_readings");
 */
export function connectPostgres(config: PostgresConfig = postgresConfig(), options: PostgresOptions = {}): Pool {
  const limits = { ...postgresLimits, ...options.limits };
  const pool = new pg.Pool({
    host: config.host,
    port: config.port,
    user: config.user,
    password: config.password,
    database: config.database,
    ssl: config.tls,
    application_name: config.applicationName,
    options: "-c TimeZone=UTC",
    types,
    max: limits.connectionsMax,
    keepAlive: true,
    // A frozen environment's timers do not run, so an idle timeout would only close the connection on thawing.
    idleTimeoutMillis: 0,
    allowExitOnIdle: true,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionTimeoutMs,
    query_timeout: limits.statementTimeoutMs + silenceMs,
  });
  pool.on("error", (error) => options.onConnectionLost?.(error));
  // The pool listens only while a connection is idle. One that breaks between two statements of a transaction would be an
  // unhandled 'error' event and end the environment; the next statement fails anyway.
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

/**
 * Runs `work` in one transaction: committed when it returns, rolled back when it throws.
 *
 * When the connection breaks during COMMIT nobody knows whether it happened, so `work` must be safe to repeat.
 *
 * @throws whatever `work` throws; {PostgresError} TRANSACTION_ABORTED when it swallowed a failed statement
 * @example
 * await inTransaction(pool, async (client) => {
 *   await client.query("select next_offset from fraud.progress where … for update");
 *   …
 * });
 */
export async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await begin(pool);
  let broken: Error | undefined;
  try {
    const result = await work(client);
    await commit(client);
    return result;
  } catch (error) {
    broken = await rollback(client);
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * A connection that died while the environment was frozen shows itself only when it is used. Nothing has been done at BEGIN,
 * so that is the one place where trying again on a new connection is always right.
 */
async function begin(pool: Pool, attempts = 2): Promise<PoolClient> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    return client;
  } catch (error) {
    client.release(true);
    if (attempts === 1) throw error;
    return begin(pool, attempts - 1);
  }
}

async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query("commit");
  // PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and with no error.
  if (command === "COMMIT") return;
  throw new PostgresError(
    "TRANSACTION_ABORTED",
    "PostgreSQL rolled the transaction back at commit: a statement in it failed and its error was not passed on.",
  );
}

/** Returns why the connection cannot be used again, if it cannot. */
async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query("rollback");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
