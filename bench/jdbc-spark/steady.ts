// One reader after the other under the same steady load.
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { waitUntilJudged } from "../../localstack/audit/verify.ts";
import { connectTo } from "../../localstack/run/database.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import type { Child } from "../children.ts";
import { BenchError } from "../errors.ts";
import { median } from "../statistics.ts";
import { cpuOf, MemoryWatch, type Processes, type Tripline } from "./designs.ts";
import {
  compareAlerts,
  countsBetween,
  countsDelayMs,
  fillHistory,
  lastIdOf,
  latencyOf,
  makeAlertTable,
  type PostgresCounts,
  readCounts,
} from "./ground.ts";
import { steadyLoad } from "./load.ts";
import type { Plan } from "./options.ts";
import type { SteadyResult } from "./results.ts";
import type { SparkJob, Way } from "./spark-job.ts";

export const statementMsMax = 10 * 60_000;
export const judgedPatienceMs = 60_000;
export const triplineAlerts = "(select xmin, transaction_id from fraud.alerts where agent = 'profile')";

export interface Run {
  readonly plan: Plan;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

export const connectLong = (settings: Settings): Pool =>
  connectTo(settings, "mydb", { connectionsMax: 12, statementTimeoutMs: statementMsMax });

interface Measured {
  readonly afterId: number;
  readonly lastId: number;
  readonly beginMs: number;
  readonly endMs: number;
  readonly seconds: number;
  readonly cores: Record<string, number>;
  readonly memoryBytes: Readonly<Record<string, number>>;
  readonly postgres: PostgresCounts;
}

async function underLoad(
  run: Run,
  pool: Pool,
  { label, processes, rowsPerSecond }: { label: string; rowsPerSecond: number; processes: () => Processes },
): Promise<Measured> {
  const { plan } = run;
  run.progress(`${label}: warming up for ${plan.warmUpSeconds} s`);
  const mark = async () => ({
    ms: performance.now(),
    atMs: Date.now(),
    id: await lastIdOf(pool),
    cpu: cpuOf(processes()),
    counts: await readCounts(pool),
  });
  let begin: Awaited<ReturnType<typeof mark>> | undefined;
  let end: Awaited<ReturnType<typeof mark>> | undefined;
  let watch: MemoryWatch | undefined;
  try {
    await steadyLoad({
      pool,
      rowsPerSecond,
      seed: plan.seed,
      warmUpSeconds: plan.warmUpSeconds,
      seconds: plan.seconds,
      signal: run.signal,
      onBegin: async () => {
        run.progress(`${label}: measuring for ${plan.seconds} s`);
        begin = await mark();
        watch = new MemoryWatch(processes);
      },
      onEnd: async () => {
        end = await mark();
      },
    });
  } finally {
    watch?.end();
  }
  if (begin === undefined || end === undefined || watch === undefined)
    throw new Error("The measured time never began.");
  const [from, to] = [begin, end];
  const seconds = (to.ms - from.ms) / 1000;
  return {
    afterId: from.id,
    lastId: to.id,
    beginMs: from.atMs,
    endMs: to.atMs,
    seconds,
    cores: Object.fromEntries(
      Object.entries(to.cpu).map(([name, cpu]) => [name, (cpu - (from.cpu[name] ?? 0)) / seconds]),
    ),
    memoryBytes: watch.end(),
    postgres: countsBetween(from.counts, to.counts),
  };
}

function resultOf(measured: Measured, rowsPerSecond: number, loadAverage: number) {
  return {
    rowsPerSecond,
    insertedPerSecond: (measured.lastId - measured.afterId) / measured.seconds,
    loadAverage,
    measuredSeconds: measured.seconds,
    cores: measured.cores,
    memoryBytes: measured.memoryBytes,
    postgres: measured.postgres,
  };
}

/** Empties the table and fills it as it was before the run before. */
export async function freshTable(pool: Pool, rows: number): Promise<void> {
  await pool.query("drop index if exists transactions_created_at");
  await pool.query("truncate transactions restart identity");
  await fillHistory(pool, rows);
}

/** Timestamps are polled through an index, as anyone would add one; ids have the primary key. */
export async function indexFor(way: Way, pool: Pool): Promise<void> {
  if (way === "timestamp" || way === "lookback") {
    await pool.query("create index transactions_created_at on transactions (created_at)");
  }
}

/** Nobody reads: what the writer alone costs. */
export async function steadyNobody(
  run: Run,
  pool: Pool,
  postgres: Child,
  rowsPerSecond: number,
): Promise<SteadyResult> {
  const loadAverage = loadavg()[0] ?? 0;
  await freshTable(pool, run.plan.rowsBefore);
  const processes = () => ({ postgres: postgres.pid });
  const measured = await underLoad(run, pool, {
    label: `nobody reads, ${rowsPerSecond} rows/s`,
    rowsPerSecond,
    processes,
  });
  return {
    reader: "nobody",
    intervalMs: undefined,
    latency: undefined,
    agreement: undefined,
    polls: undefined,
    ...resultOf(measured, rowsPerSecond, loadAverage),
  };
}

export async function steadySpark(
  run: Run,
  pool: Pool,
  postgres: Child,
  job: SparkJob,
  { intervalMs, rowsPerSecond, way }: { way: Way; intervalMs: number; rowsPerSecond: number },
): Promise<SteadyResult> {
  const loadAverage = loadavg()[0] ?? 0;
  const label = `Spark by ${way}, every ${intervalMs / 1000} s, ${rowsPerSecond} rows/s`;
  run.progress(`${label}: starting`);
  await freshTable(pool, run.plan.rowsBefore);
  await indexFor(way, pool);
  const table = await makeAlertTable(pool, way);
  await job.first(way, way, table);
  job.loop(way, intervalMs);
  const processes = () => ({ postgres: postgres.pid, spark: job.pid });
  const measured = await underLoad(run, pool, { label, rowsPerSecond, processes });
  // A poll that begins after the last row was committed sees all of them.
  await job.pass((pass) => pass.startedAtMs > measured.endMs);
  await job.stopLoops();
  const polls = job.passes.filter(
    ({ endedAtMs, kind, startedAtMs }) =>
      kind === "poll" && endedAtMs >= measured.beginMs && startedAtMs <= measured.endMs,
  );
  const times = polls.map(({ ms }) => ms);
  return {
    reader: way,
    intervalMs,
    latency: await latencyOf(pool, table, measured.afterId, measured.lastId),
    agreement: await compareAlerts(pool, `select transaction_id from ${table}`),
    polls: { count: times.length, medianMs: median(times), maxMs: Math.max(...times) },
    ...resultOf(measured, rowsPerSecond, loadAverage),
  };
}

/** On a stack that runs. */
export async function steadyTripline(
  run: Run,
  pool: Pool,
  tripline: Tripline,
  rowsPerSecond: number,
): Promise<SteadyResult> {
  const loadAverage = loadavg()[0] ?? 0;
  const measured = await underLoad(run, pool, {
    label: `Tripline, ${rowsPerSecond} rows/s`,
    rowsPerSecond,
    processes: () => tripline.processes(),
  });
  await settle(run, pool);
  await sleep(countsDelayMs);
  return {
    reader: "tripline",
    intervalMs: undefined,
    latency: await latencyOf(pool, triplineAlerts, measured.afterId, measured.lastId),
    agreement: await compareAlerts(pool, `select transaction_id from ${triplineAlerts} as alerts`),
    polls: undefined,
    ...resultOf(measured, rowsPerSecond, loadAverage),
  };
}

/** Until both agents have judged every row. */
export async function settle(run: Run, pool: Pool): Promise<void> {
  const left = await waitUntilJudged(pool, { patienceMs: judgedPatienceMs, signal: run.signal });
  run.signal.throwIfAborted();
  if (left > 0) throw new BenchError("STALLED", `Tripline stands still with ${left} rows that no agent judges.`);
}
