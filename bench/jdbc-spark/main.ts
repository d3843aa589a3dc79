// npm run bench:spark: CDC + Kafka beside JDBC + Spark. `npm run bench:spark -- --help` says what can be asked for.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { abortOnSignals } from "../../localstack/cli/signals.ts";
import { readSettings, type Settings } from "../../localstack/stack/settings.ts";
import { commandOf, requireLinux, runBenchmark } from "../command.ts";
import { describeMachine } from "../machine.ts";
import { clearStack, keepCommitTimes } from "../own-stack.ts";
import { Status } from "../status.ts";
import { measureChanges } from "./changes.ts";
import { coldStartOfSpark, coldStartOfTripline } from "./cold-start.ts";
import { Tripline } from "./designs.ts";
import { startPostgres } from "./ground.ts";
import { growthOfSpark, growthOfTripline, type SparkGrowth, startOnHistory, warmUp } from "./growth.ts";
import { readPlan, usage } from "./options.ts";
import { report } from "./report.ts";
import { allAgree, type ChangesResult, type GrowthResult, type Results, type SteadyResult } from "./results.ts";
import { prepareSpark, SparkJob, type SparkTools, sparkMemory } from "./spark-job.ts";
import { connectLong, type Run, steadyNobody, steadySpark, steadyTripline } from "./steady.ts";

/** Beside a stack that somebody may have running, those of the tests, and that of `npm run bench`. */
const portOffsetDefault = 17_000;

/** Servers of its own for each design, one after the other on the same ports. */
function settingsOf(design: "spark" | "tripline"): Settings {
  const { home } = readSettings();
  return readSettings({
    ...process.env,
    TRIPLINE_HOME: join(home, "bench", `jdbc-${design}`),
    TRIPLINE_PORT_OFFSET: process.env["TRIPLINE_PORT_OFFSET"] || String(portOffsetDefault),
  });
}

const args = process.argv.slice(2);
const interrupted = abortOnSignals();
const status = new Status();

async function main(): Promise<void> {
  const plan = readPlan(args);
  if (plan === "help") {
    console.log(usage);
    return;
  }
  requireLinux();
  const startedMs = Date.now();
  const run: Run = {
    plan,
    signal: interrupted,
    progress: (text) => status.show(`${Math.round((Date.now() - startedMs) / 1000)} s  ${text}`),
  };
  const tools = await prepareSpark(settingsOf("spark"), run.progress);
  const machine = await describeMachine();
  const spark = await measureSpark(run, settingsOf("spark"), tools);
  const tripline = await measureTripline(run, settingsOf("tripline"), tools, spark.growth);
  const results: Results = {
    date: new Date().toISOString(),
    command: commandOf("bench:spark", args),
    quick: plan.quick,
    seconds: (Date.now() - startedMs) / 1000,
    seed: plan.seed,
    machine,
    sparkVersion: /pyspark==(.*)/.exec(readFileSync(join(import.meta.dirname, "requirements.txt"), "utf8"))?.[1] ?? "",
    sparkMemory,
    rowsBefore: plan.rowsBefore,
    steady: [...spark.steady, ...tripline.steady],
    changes: tripline.changes,
    coldStart: spark.coldStart && tripline.coldStart && { spark: spark.coldStart, tripline: tripline.coldStart },
    growth: tripline.growth,
  };
  status.end();
  status.print(`\n${report(results)}\n\nIn all: ${Math.round(results.seconds)} s`);
  if (plan.out !== undefined) writeFileSync(plan.out, `${JSON.stringify(results, undefined, 2)}\n`);
  if (plan.json) console.log(JSON.stringify({ ...results, alertsAgree: allAgree(results) }));
  if (!allAgree(results)) process.exitCode = 1;
}

/** With PostgreSQL alone beside it: that is all this design needs. */
async function measureSpark(run: Run, settings: Settings, tools: SparkTools) {
  const { plan } = run;
  const steady: SteadyResult[] = [];
  const growth: SparkGrowth[] = [];
  const coldStart = plan.only.has("cold-start") ? await coldStartOfSpark(run, settings, tools) : undefined;
  if (!plan.only.has("steady") && !plan.only.has("growth")) return { coldStart, growth, steady };
  await clearStack(settings);
  await keepCommitTimes(settings);
  const postgres = await startPostgres(settings);
  const pool = connectLong(settings);
  // One application for everything, as one would leave it running: what Java has compiled stays compiled.
  let job: SparkJob | undefined;
  try {
    if (plan.only.has("steady")) {
      for (const rate of plan.rates) steady.push(await steadyNobody(run, pool, postgres, rate));
    }
    job = new SparkJob(settings, tools);
    await warmUp(run, settings, job);
    if (plan.only.has("steady")) {
      for (const step of plan.steps) steady.push(await steadySpark(run, pool, postgres, job, step));
    }
    if (plan.only.has("growth")) {
      for (const rows of plan.growthRows) growth.push(await growthOfSpark(run, settings, job, rows));
    }
    return { coldStart, growth, steady };
  } finally {
    await job?.end();
    await pool.end();
    await postgres.end("SIGINT");
    await clearStack(settings);
  }
}

async function measureTripline(run: Run, settings: Settings, tools: SparkTools, sparkGrowth: readonly SparkGrowth[]) {
  const { plan } = run;
  const steady: SteadyResult[] = [];
  let changes: ChangesResult | undefined;
  const growth: GrowthResult[] = [];
  const coldStart = plan.only.has("cold-start") ? await coldStartOfTripline(run, settings) : undefined;
  if (plan.only.has("steady") || plan.only.has("changes")) {
    const tripline = new Tripline(settings);
    try {
      await startOnHistory(run, settings, tripline, plan.rowsBefore, "Tripline");
      const pool = connectLong(settings);
      try {
        if (plan.only.has("steady")) {
          for (const rate of plan.rates) steady.push(await steadyTripline(run, pool, tripline, rate));
        }
        if (plan.only.has("changes")) changes = await measureChanges(run, pool, settings, tools);
      } finally {
        await pool.end();
      }
    } finally {
      run.progress("Tripline: stopping the stack");
      await tripline.stop();
      await clearStack(settings);
    }
  }
  for (const { insertBlocks, ...ofSpark } of sparkGrowth) {
    growth.push({ ...ofSpark, tripline: await growthOfTripline(run, settings, ofSpark.rows, insertBlocks) });
  }
  return { changes, coldStart, growth, steady };
}

await runBenchmark(main, { args, interrupted, status });
