// From nothing running and an empty folder to the first alert.
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../../localstack/run/database.ts";
import { insertTransactions } from "../../localstack/run/generator.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { BenchError } from "../errors.ts";
import { clearStack } from "../own-stack.ts";
import { Tripline } from "./designs.ts";
import { makeAlertTable, startPostgres } from "./ground.ts";
import type { ColdStartResult } from "./results.ts";
import { SparkJob, type SparkTools } from "./spark-job.ts";
import type { Run } from "./steady.ts";

const alertMsMax = 60_000;

/** Three usual amounts of a user, and one that is far above them. */
async function insertProbe(pool: Pool): Promise<void> {
  const row = { userId: 1000, cardType: "VISA", merchantId: 1 } as const;
  await insertTransactions(
    pool,
    [1_000, 1_100, 1_200, 90_000].map((amountCents) => ({ ...row, amountCents })),
  );
}

async function untilAlert(run: Run, pool: Pool, table: string): Promise<void> {
  const deadlineMs = Date.now() + alertMsMax;
  while (Date.now() < deadlineMs) {
    run.signal.throwIfAborted();
    const { rows } = await pool.query<{ found: boolean }>(`select exists (select from ${table} as alerts) as found`);
    if (rows[0]?.found) return;
    await sleep(20);
  }
  throw new BenchError("STALLED", `No alert in ${table} after ${alertMsMax / 1000} s.`);
}

export async function coldStartOfTripline(run: Run, settings: Settings): Promise<ColdStartResult["tripline"]> {
  await clearStack(settings);
  run.progress("cold start: Tripline");
  const tripline = new Tripline(settings);
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  let pool: Pool | undefined;
  try {
    await tripline.startStack(run.signal);
    const stackSeconds = seconds();
    await tripline.startFunctions(run.signal, run.progress);
    const functionsSeconds = seconds();
    pool = connectTo(settings, "mydb");
    await insertProbe(pool);
    await untilAlert(run, pool, "(select from fraud.alerts where agent = 'profile')");
    return { stackSeconds, functionsSeconds, alertSeconds: seconds() };
  } finally {
    await pool?.end();
    await tripline.stop();
    await clearStack(settings);
  }
}

export async function coldStartOfSpark(
  run: Run,
  settings: Settings,
  tools: SparkTools,
): Promise<ColdStartResult["spark"]> {
  await clearStack(settings);
  run.progress("cold start: Spark");
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  const postgres = await startPostgres(settings);
  const postgresSeconds = seconds();
  const pool = connectTo(settings, "mydb");
  let job: SparkJob | undefined;
  try {
    const table = await makeAlertTable(pool, "id");
    await insertProbe(pool);
    job = new SparkJob(settings, tools);
    await job.started();
    const readySeconds = seconds();
    const first = job.first("id", "id", table);
    await untilAlert(run, pool, table);
    const alertSeconds = seconds();
    await first;
    return { postgresSeconds, readySeconds, alertSeconds };
  } finally {
    await job?.end();
    await pool.end();
    await postgres.end("SIGINT");
    await clearStack(settings);
  }
}
