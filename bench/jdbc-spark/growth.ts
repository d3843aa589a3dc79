// The same thousand new rows in tables of different sizes: what reading them costs each design, and what the first read does.
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../../localstack/run/database.ts";
import { insertTransactions } from "../../localstack/run/generator.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { clearStack, keepCommitTimes } from "../own-stack.ts";
import { median } from "../statistics.ts";
import { Tripline } from "./designs.ts";
import {
  compareAlerts,
  fillHistory,
  lastIdOf,
  latencyOf,
  makeAlertTable,
  readCounts,
  startPostgres,
} from "./ground.ts";
import { Batches } from "./load.ts";
import type { GrowthResult, GrowthWay } from "./results.ts";
import type { SparkJob, Way } from "./spark-job.ts";
import { freshTable, type Run, settle, statementMsMax, triplineAlerts } from "./steady.ts";

const newRows = 1_000;
const plantedRows = 3;
/** For what a process that has ended or become idle reports of itself. */
const reportMs = 300;

const warmUpRows = 10_000;
/** In larger tables the alerts of one way are compared, not those of all: it takes PostgreSQL longer than the reads. */
const comparedRowsMax = 1_000_000;

const ways: readonly { readonly name: string; readonly way: Way; readonly isIndexed: boolean }[] = [
  { name: "id", way: "id", isIndexed: false },
  { name: "timestamp", way: "timestamp", isIndexed: false },
  { name: "timestamp, indexed", way: "timestamp", isIndexed: true },
  { name: "reload", way: "reload", isIndexed: false },
];

/** One connection: what it has done is counted when it says so, not when it gets around to it. */
const connectOnce = (settings: Settings): Pool =>
  connectTo(settings, "mydb", { connectionsMax: 1, statementTimeoutMs: statementMsMax });

export type SparkGrowth = Omit<GrowthResult, "tripline"> & { readonly insertBlocks: number };

/** On a PostgreSQL that runs alone. */
export async function growthOfSpark(run: Run, settings: Settings, job: SparkJob, rows: number): Promise<SparkGrowth> {
  const pool = connectOnce(settings);
  const loadAverage = loadavg()[0] ?? 0;
  const label = `growth, ${rows.toLocaleString("en-US")} rows`;
  run.progress(`${label}: filling the table`);
  await freshTable(pool, rows);
  const batches = new Batches(run.plan.seed);
  const results: GrowthWay[] = [];
  const insertBlocks: number[] = [];
  try {
    for (const { isIndexed, name, way } of ways) {
      run.signal.throwIfAborted();
      run.progress(`${label}: Spark by ${name}`);
      if (isIndexed) await pool.query("create index transactions_created_at on transactions (created_at)");
      const key = name.replaceAll(/\W+/g, "_");
      const table = await makeAlertTable(pool, key);
      const before = await readCounts(pool);
      const first = await job.first(key, way, table);
      await sleep(reportMs);
      const firstReadBlocks = (await readCounts(pool)).tableBlocks - before.tableBlocks;
      const [times, blocks]: [number[], number[]] = [[], []];
      for (let i = 0; i < run.plan.growthPolls; i += 1) {
        const empty = await readCounts(pool);
        await insertTransactions(pool, batches.next(newRows, plantedRows));
        const inserted = await readCounts(pool);
        if (!isIndexed) insertBlocks.push(inserted.tableBlocks - empty.tableBlocks);
        times.push((await job.poll(key)).ms);
        await sleep(reportMs);
        blocks.push((await readCounts(pool)).tableBlocks - inserted.tableBlocks);
      }
      results.push({
        way: name,
        firstReadMs: first.ms,
        firstReadBlocks,
        medianMs: median(times),
        maxMs: Math.max(...times),
        count: times.length,
        tableBlocks: median(blocks),
        agreement:
          rows > comparedRowsMax && way !== "id"
            ? undefined
            : await compareAlerts(pool, `select transaction_id from ${table}`),
      });
      if (isIndexed) await pool.query("drop index transactions_created_at");
    }
    const startedMs = performance.now();
    await compareAlerts(pool, "select null::bigint as transaction_id where false");
    return {
      rows,
      loadAverage,
      spark: results,
      sqlMs: performance.now() - startedMs,
      insertBlocks: median(insertBlocks),
    };
  } finally {
    await pool.end();
  }
}

/** Java compiles what it has run often enough, and an application that runs for days has: what is measured first must not pay for it. */
export async function warmUp(run: Run, settings: Settings, job: SparkJob): Promise<void> {
  run.progress("warming Spark up");
  const pool = connectOnce(settings);
  try {
    await freshTable(pool, warmUpRows);
    for (const way of ["id", "timestamp", "reload"] as const) {
      const name = `warm_up_${way}`;
      await job.first(name, way, await makeAlertTable(pool, name));
      for (let i = 0; i < run.plan.warmUpPolls; i += 1) await job.poll(name);
    }
  } finally {
    await pool.end();
  }
}

/** From an empty folder: the table is filled before the stack is there, so the connector begins with a snapshot of it. */
export async function growthOfTripline(
  run: Run,
  settings: Settings,
  rows: number,
  insertBlocks: number,
): Promise<GrowthResult["tripline"]> {
  const label = `growth, ${rows.toLocaleString("en-US")} rows`;
  const tripline = new Tripline(settings);
  let pool: Pool | undefined;
  try {
    const { snapshotSeconds, stackSeconds } = await startOnHistory(run, settings, tripline, rows, label);
    pool = connectOnce(settings);
    // PostgreSQL was started by the stack, and counts from then on.
    const snapshotBlocks = (await readCounts(pool)).tableBlocks;
    const batches = new Batches(run.plan.seed);
    const [times, blocks]: [number[], number[]] = [[], []];
    for (let i = 0; i < run.plan.growthPolls; i += 1) {
      const before = await readCounts(pool);
      const afterId = await lastIdOf(pool);
      await insertTransactions(pool, batches.next(newRows, plantedRows));
      await sleep(1_000);
      blocks.push(Math.max(0, (await readCounts(pool)).tableBlocks - before.tableBlocks - insertBlocks));
      await settle(run, pool);
      times.push((await latencyOf(pool, triplineAlerts, afterId, await lastIdOf(pool))).p50);
    }
    const agreement = await compareAlerts(pool, `select transaction_id from ${triplineAlerts} as alerts`);
    return {
      medianMs: median(times),
      maxMs: Math.max(...times),
      count: times.length,
      tableBlocks: median(blocks),
      snapshotSeconds,
      stackSeconds,
      snapshotBlocks,
      agreement,
    };
  } finally {
    await pool?.end();
    await tripline.stop();
    await clearStack(settings);
  }
}

/** Starts the stack on a table that has a history, and waits until both agents have judged it. */
export async function startOnHistory(
  run: Run,
  settings: Settings,
  tripline: Tripline,
  rows: number,
  label: string,
): Promise<{ stackSeconds: number; snapshotSeconds: number }> {
  await clearStack(settings);
  await keepCommitTimes(settings);
  run.progress(`${label}: filling the table before the stack is there`);
  const postgres = await startPostgres(settings);
  const filling = connectOnce(settings);
  try {
    await fillHistory(filling, rows);
  } finally {
    await filling.end();
    await postgres.end("SIGINT");
  }
  run.progress(`${label}: the stack starts and takes its snapshot`);
  const startedMs = performance.now();
  await tripline.startStack(run.signal);
  const stackSeconds = (performance.now() - startedMs) / 1000;
  await tripline.startFunctions(run.signal, run.progress);
  const pool = connectTo(settings, "mydb", { statementTimeoutMs: statementMsMax });
  try {
    await settle(run, pool);
  } finally {
    await pool.end();
  }
  return { stackSeconds, snapshotSeconds: (performance.now() - startedMs) / 1000 };
}
