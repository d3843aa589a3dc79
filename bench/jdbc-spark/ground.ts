// PostgreSQL as both designs find it: started alone, filled with a history, and asked what was done to it.
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkPorts } from "../../localstack/cli/up.ts";
import { declareDatabases } from "../../localstack/stack/declare.ts";
import { reasonOf } from "../../localstack/stack/errors.ts";
import { postgres } from "../../localstack/stack/parts/postgres.ts";
import { paths, type Settings } from "../../localstack/stack/settings.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { Child, tailOf } from "../children.ts";
import { BenchError } from "../errors.ts";
import { percentile } from "../statistics.ts";

const startMsMax = 60_000;

/** PostgreSQL alone, with the tables of the migrations and a place for Spark's alerts. */
export async function startPostgres(settings: Settings): Promise<Child> {
  await mkdir(paths(settings).logs, { recursive: true });
  await checkPorts(settings, [postgres]);
  const { file, ...command } = await postgres.prepare(settings);
  const logFile = paths(settings).log("postgres");
  const child = new Child("postgres", { ...command, command: file, logFile });
  const deadlineMs = Date.now() + startMsMax;
  for (;;) {
    try {
      await postgres.check(settings);
      break;
    } catch (cause) {
      if (child.hasEnded || Date.now() > deadlineMs) {
        await child.end("SIGINT");
        throw new BenchError("START_FAILED", `PostgreSQL does not answer (${reasonOf(cause)}):\n${tailOf(logFile)}`, {
          cause,
        });
      }
      await sleep(50);
    }
  }
  await declareDatabases(settings, () => {});
  return child;
}

/** Spark's alerts of one way, in a table of its own. */
export async function makeAlertTable(pool: Pool, name: string): Promise<string> {
  const table = `spark.alerts_${name}`;
  await pool.query(`create schema if not exists spark`);
  await pool.query(`drop table if exists ${table}`);
  await pool.query(
    `create table ${table} (transaction_id bigint not null, user_id int not null, amount_cents bigint not null, n int not null, sum_cents bigint not null)`,
  );
  return table;
}

/**
 * A history of so many rows, 500 µs apart and the last one a minute ago: amounts as localstack/run/generator.ts draws them, the
 * same ones in every run.
 */
export async function fillHistory(pool: Pool, rows: number): Promise<void> {
  if (rows === 0) return;
  const client = await pool.connect();
  try {
    await client.query("select setseed(0.5)");
    await client.query(
      `insert into transactions (user_id, amount, card_type, merchant_id, created_at)
       select user_id,
              case when random() < 1.0 / 2500 then 900 + 2900 * random()
                   else greatest(5, least(5000, 10 * power(12, (user_id::bigint * 2654435761 % 4294967296) / 4294967296.0)
                                                 * exp(random_normal(0, 0.4)))) end,
              (array['VISA', 'MASTERCARD', 'AMEX'])[1 + (i % 3)],
              1 + i % 500,
              localtimestamp - interval '1 minute' - ($1 - i) * interval '500 microseconds'
       from (select i, 1000 + floor(9000 * random())::int as user_id from generate_series(1, $1::int) as i offset 0) as drawn`,
      [rows],
    );
    await client.query("vacuum (analyze) transactions");
    await client.query("checkpoint");
  } finally {
    client.release();
  }
}

/** Difference of an alert table from what the rule demands of the table as it is now. */
export interface Agreement {
  readonly expected: number;
  readonly found: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly doubled: number;
}

/** @param found a query for transaction_id */
export async function compareAlerts(pool: Pool, found: string): Promise<Agreement> {
  const sql = await readFile(join(import.meta.dirname, "expected.sql"), "utf8");
  const { rows } = await pool.query<Agreement>(sql.replace("{{found}}", found));
  return rows[0] as Agreement;
}

/** Whole milliseconds would do; PostgreSQL keeps microseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly alerts: number;
}

/** From the commit of a row to the commit of its alert, both by PostgreSQL's clock. */
export async function latencyOf(pool: Pool, alerts: string, afterId: number, lastId: number): Promise<Latency> {
  const { rows } = await pool.query<{ ms: number }>(
    `select extract(epoch from pg_xact_commit_timestamp(alerts.xmin) - pg_xact_commit_timestamp(transactions.xmin))::float8 * 1000 as ms
     from ${alerts} as alerts
     join transactions on transactions.id = alerts.transaction_id
     where transactions.id > $1 and transactions.id <= $2`,
    [afterId, lastId],
  );
  const latencies = rows.map(({ ms }) => ms);
  const at = (share: number) => percentile(latencies, share) ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1), alerts: latencies.length };
}

export async function lastIdOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ id: number }>("select coalesce(max(id), 0)::int as id from transactions");
  return rows[0]?.id ?? 0;
}

/** What PostgreSQL counts, since its start. */
export interface PostgresCounts {
  /** Of 8 kB, of the database, found in shared buffers or not. */
  readonly blocksHit: number;
  readonly blocksRead: number;
  /** Of the table `transactions` and its indexes. */
  readonly tableBlocks: number;
  readonly walBytes: number;
  /** What the WAL senders sent on: decoded changes of the slots. */
  readonly slotBytes: number;
  readonly spilledBytes: number;
  /** What the slot that is furthest behind holds back, now. */
  readonly retainedBytes: number;
}

export async function readCounts(pool: Pool): Promise<PostgresCounts> {
  // A connection reports what it did every ten seconds when idle; this one does at once.
  await pool.query("select pg_stat_force_next_flush()");
  const { rows } = await pool.query<PostgresCounts>(
    `select blks_hit::float8 as "blocksHit", blks_read::float8 as "blocksRead",
            (select coalesce(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0), 0)::float8
             from pg_statio_user_tables where relid = 'transactions'::regclass) as "tableBlocks",
            pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as "walBytes",
            (select coalesce(sum(total_bytes), 0)::float8 from pg_stat_replication_slots) as "slotBytes",
            (select coalesce(sum(spill_bytes), 0)::float8 from pg_stat_replication_slots) as "spilledBytes",
            (select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::float8 from pg_replication_slots) as "retainedBytes"
     from pg_stat_database where datname = current_database()`,
  );
  return rows[0] as PostgresCounts;
}

export function countsBetween(begin: PostgresCounts, end: PostgresCounts): PostgresCounts {
  return {
    blocksHit: end.blocksHit - begin.blocksHit,
    blocksRead: end.blocksRead - begin.blocksRead,
    tableBlocks: end.tableBlocks - begin.tableBlocks,
    walBytes: end.walBytes - begin.walBytes,
    slotBytes: end.slotBytes - begin.slotBytes,
    spilledBytes: end.spilledBytes - begin.spilledBytes,
    retainedBytes: end.retainedBytes,
  };
}

/** Backends report what they did when they become idle, a second later at most. */
export const countsDelayMs = 1_200;
