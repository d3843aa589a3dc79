// The whole path on the real stack: rows into PostgreSQL, Debezium, Kafka, the functions in `sls offline`, alerts in PostgreSQL.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readJudged, waitUntilJudged } from "../localstack/audit/verify.ts";
import { bringUp } from "../localstack/cli/up.ts";
import { connectTo } from "../localstack/run/database.ts";
import { FunctionHost, functionEnvironment } from "../localstack/run/functions.ts";
import {
  batchIntervalMs,
  insertTransactions,
  type NewTransaction,
  rowsPerBatch,
  TransactionSource,
} from "../localstack/run/generator.ts";
import { AlertReceiver } from "../localstack/run/receiver.ts";
import { seededRandom } from "../localstack/run/seeded-random.ts";
import type { Settings } from "../localstack/stack/settings.ts";
import { readLiveState } from "../localstack/stack/state.ts";
import type { Pool } from "../shared/postgres/index.ts";
import { BenchError } from "./errors.ts";
import type { PipelinePlan } from "./options.ts";
import { clearStack, keepCommitTimes } from "./own-stack.ts";
import { percentile } from "./statistics.ts";
import { cpuSeconds, cpuSecondsWithoutChildren } from "./usage.ts";

/**
 * Planted besides the generator's own frauds, which come too rarely at 500 rows a second for a percentile: an amount far
 * above what its user usually spends.
 */
const plantedAlertsPerSecond = 10;
const plantedCents = { minimum: 90_000, maximum: 380_000 };

/** Rows that may wait for their judgement when the path is driven as fast as it goes: a few full batches a partition. */
const waitingRowsMax = 60_000;
const judgedEveryMs = 100;
const drainPatienceMs = 60_000;

export interface LatencyResult {
  readonly rowsPerSecond: number;
  /** What was really inserted. */
  readonly insertedPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Alerts in the measured seconds. */
  readonly alerts: number;
  /** Rows not judged by both agents when the measured seconds began and ended: a path that cannot keep up has more and more. */
  readonly waitingRowsBefore: number;
  readonly waitingRowsAfter: number;
  readonly cpuCores: CpuCores;
}

export interface SustainedResult {
  /** Judged by both agents, in each second of the measured time. */
  readonly rowsPerSecond: number;
  readonly seconds: number;
  readonly waitingRowsBefore: number;
  readonly waitingRowsAfter: number;
  readonly cpuCores: CpuCores;
}

/** How many of the machine's cores each process kept busy. */
export type CpuCores = Readonly<Record<string, number>>;

export interface PipelineResult {
  readonly latency: Readonly<Record<string, LatencyResult>>;
  readonly sustained: SustainedResult;
}

export interface PipelineOptions {
  /** Of a stack that is this benchmark's own: it is made anew and removed. */
  readonly settings: Settings;
  readonly plan: PipelinePlan;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

export async function measurePipeline(options: PipelineOptions): Promise<PipelineResult> {
  const { plan, progress, settings, signal } = options;
  await clearStack(settings);
  await keepCommitTimes(settings);
  const receiver = new AlertReceiver(() => {});
  const pool = connectTo(settings, "mydb", { connectionsMax: 4 });
  let host: FunctionHost | undefined;
  try {
    progress("pipeline: starting the stack");
    await bringUp(settings, { json: true }, signal);
    progress("pipeline: starting the functions (sls offline)");
    host = new FunctionHost(settings, functionEnvironment(settings, await receiver.start()), (message) =>
      progress(message),
    );
    await host.start();
    await host.ready(signal);
    signal.throwIfAborted();
    const path = new Path(options, pool);
    progress("pipeline: giving users a history");
    await path.insert(plan.rowsBefore);
    await path.settle();
    const latency: Record<string, LatencyResult> = {};
    for (const rate of plan.rates) latency[String(rate)] = await path.latencyAt(rate);
    return { latency, sustained: await path.sustained() };
  } finally {
    progress("pipeline: stopping the stack");
    await host?.stop();
    await receiver.stop();
    await pool.end();
    await clearStack(settings);
  }
}

/** The path from a row to its judgement, and its figures. */
class Path {
  readonly #options: PipelineOptions;
  readonly #pool: Pool;
  readonly #random: () => number;
  readonly #source: TransactionSource;
  #inserted = 0;

  constructor(options: PipelineOptions, pool: Pool) {
    this.#options = options;
    this.#pool = pool;
    this.#random = seededRandom(options.seed);
    this.#source = new TransactionSource(this.#random);
  }

  /** As fast as PostgreSQL takes them. */
  async insert(rows: number): Promise<void> {
    for (let left = rows; left > 0; left -= rowsPerBatch) {
      this.#options.signal.throwIfAborted();
      await this.#insertBatch(Math.min(left, rowsPerBatch), 0);
    }
  }

  /** Until both agents have judged every row. */
  async settle(): Promise<void> {
    const { signal } = this.#options;
    const left = await waitUntilJudged(this.#pool, { patienceMs: drainPatienceMs, signal });
    signal.throwIfAborted();
    if (left > 0) {
      throw new BenchError(
        "STALLED",
        `The pipeline stands still with ${left} rows that no agent judges: see ${this.#options.settings.home}/logs.`,
      );
    }
  }

  async latencyAt(rate: number): Promise<LatencyResult> {
    const { plan, progress, signal } = this.#options;
    const rows = Math.max(1, Math.min(rowsPerBatch, Math.round((rate * batchIntervalMs) / 1000)));
    const intervalMs = (rows * 1000) / rate;
    const plantedPerBatch = (plantedAlertsPerSecond * intervalMs) / 1000;
    progress(`pipeline: ${rate.toLocaleString("en-US")} rows/s, warming up for ${plan.warmUpSeconds} s`);
    const startedMs = performance.now();
    let begin: Mark | undefined;
    let owed = 0;
    for (let dueMs = startedMs; ; dueMs += intervalMs) {
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      signal.throwIfAborted();
      const seconds = (performance.now() - startedMs) / 1000;
      if (begin === undefined && seconds >= plan.warmUpSeconds) {
        begin = await this.#mark();
        progress(`pipeline: ${rate.toLocaleString("en-US")} rows/s, measuring for ${plan.seconds} s`);
      }
      if (seconds >= plan.warmUpSeconds + plan.seconds) break;
      owed += plantedPerBatch;
      await this.#insertBatch(rows, Math.floor(owed));
      owed -= Math.floor(owed);
    }
    const end = await this.#mark();
    if (begin === undefined) throw new Error("The measured time never began.");
    await this.settle();
    const latencies = await this.#latencies(begin.lastId, end.lastId);
    return {
      rowsPerSecond: rate,
      insertedPerSecond: ((end.inserted - begin.inserted) * 1000) / (end.atMs - begin.atMs),
      p50: percentile(latencies, 0.5) ?? Number.NaN,
      p99: percentile(latencies, 0.99) ?? Number.NaN,
      max: percentile(latencies, 1) ?? Number.NaN,
      alerts: latencies.length,
      waitingRowsBefore: begin.waitingRows,
      waitingRowsAfter: end.waitingRows,
      cpuCores: coresBetween(begin, end),
    };
  }

  /** Rows are inserted whenever fewer than so many wait: the path is never idle, and what waits does not grow. */
  async sustained(): Promise<SustainedResult> {
    const { plan, progress, signal } = this.#options;
    progress(`pipeline: as fast as it goes, warming up for ${plan.sustainedWarmUpSeconds} s`);
    const startedMs = performance.now();
    let begin: Mark | undefined;
    let [judged, askedAtMs] = [await this.#judged(), startedMs];
    for (;;) {
      signal.throwIfAborted();
      const nowMs = performance.now();
      const seconds = (nowMs - startedMs) / 1000;
      if (begin === undefined && seconds >= plan.sustainedWarmUpSeconds) {
        begin = await this.#mark();
        progress(`pipeline: as fast as it goes, measuring for ${plan.sustainedSeconds} s`);
      }
      if (seconds >= plan.sustainedWarmUpSeconds + plan.sustainedSeconds) break;
      if (nowMs - askedAtMs >= judgedEveryMs) [judged, askedAtMs] = [await this.#judged(), nowMs];
      if (this.#inserted - judged < waitingRowsMax) await this.#insertBatch(rowsPerBatch, 0);
      else await sleep(judgedEveryMs / 10);
    }
    const end = await this.#mark();
    if (begin === undefined) throw new Error("The measured time never began.");
    await this.settle();
    return {
      rowsPerSecond:
        ((end.inserted - end.waitingRows - (begin.inserted - begin.waitingRows)) * 1000) / (end.atMs - begin.atMs),
      seconds: (end.atMs - begin.atMs) / 1000,
      waitingRowsBefore: begin.waitingRows,
      waitingRowsAfter: end.waitingRows,
      cpuCores: coresBetween(begin, end),
    };
  }

  async #insertBatch(rows: number, planted: number): Promise<void> {
    const batch: NewTransaction[] = Array.from({ length: rows }, () => this.#source.next());
    for (let left = planted; left > 0; left -= 1) {
      const place = Math.floor(this.#random() * rows);
      const row = batch[place] as NewTransaction;
      const { minimum, maximum } = plantedCents;
      batch[place] = { ...row, amountCents: minimum + Math.floor(this.#random() * (maximum - minimum)) };
    }
    await insertTransactions(this.#pool, batch);
    this.#inserted += rows;
  }

  /** By the slower agent. */
  async #judged(): Promise<number> {
    const { profile, velocity } = await readJudged(this.#pool);
    return Math.min(profile, velocity);
  }

  /** From the commit of a row to the commit of its alert, both by PostgreSQL's clock. */
  async #latencies(afterId: number, lastId: number): Promise<number[]> {
    const { rows } = await this.#pool.query<{ ms: number }>(
      `select extract(epoch from pg_xact_commit_timestamp(alerts.xmin) - pg_xact_commit_timestamp(transactions.xmin))::float8
                * 1000 as ms
       from fraud.alerts
       join transactions on transactions.id = alerts.transaction_id
       where transactions.id > $1 and transactions.id <= $2`,
      [afterId, lastId],
    );
    return rows.map(({ ms }) => ms);
  }

  async #mark(): Promise<Mark> {
    const [{ rows }, judged, pids] = await Promise.all([
      this.#pool.query<{ id: number }>("select coalesce(max(id), 0) as id from transactions"),
      this.#judged(),
      pidsOf(this.#options.settings),
    ]);
    return {
      atMs: performance.now(),
      lastId: rows[0]?.id ?? 0,
      inserted: this.#inserted,
      waitingRows: this.#inserted - judged,
      cpu: Object.fromEntries(
        Object.entries(pids).map(([name, pid]) => [
          name,
          withoutChildren.has(name) ? cpuSecondsWithoutChildren(pid) : cpuSeconds(pid),
        ]),
      ),
    };
  }
}

/** A moment of a run. */
interface Mark {
  readonly atMs: number;
  readonly lastId: number;
  readonly inserted: number;
  readonly waitingRows: number;
  readonly cpu: Readonly<Record<string, number>>;
}

function coresBetween(begin: Mark, end: Mark): CpuCores {
  const seconds = (end.atMs - begin.atMs) / 1000;
  return Object.fromEntries(
    Object.entries(end.cpu).map(([name, cpu]) => [name, (cpu - (begin.cpu[name] ?? 0)) / seconds]),
  );
}

/** Their children are the other processes. */
const withoutChildren: ReadonlySet<string> = new Set(["supervisor", "benchmark"]);

async function pidsOf(settings: Settings): Promise<Record<string, number>> {
  const state = readLiveState(settings);
  const parts = Object.entries(state?.parts ?? {}).flatMap(([name, { process: found }]) =>
    found === undefined ? [] : [[name, found.pid] as const],
  );
  const functions = JSON.parse(await readFile(join(settings.home, "functions.json"), "utf8")) as {
    functions: { pid: number };
  };
  return {
    ...Object.fromEntries(parts),
    functions: functions.functions.pid,
    ...(state === undefined ? {} : { supervisor: state.supervisor.pid }),
    // Makes the rows, and takes the alerts at the end of the path.
    benchmark: process.pid,
  };
}
