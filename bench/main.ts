// npm run bench: Tripline measured beside what people would pick instead. `npm run bench -- --help` says what can be asked for.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { abortOnSignals } from "../localstack/cli/signals.ts";
import { readSettings, type Settings } from "../localstack/stack/settings.ts";
import { commandOf, requireLinux, runBenchmark } from "./command.ts";
import { measureDrains } from "./drains.ts";
import { measureHandler } from "./handler-alone.ts";
import { describeMachine } from "./machine.ts";
import { readPlan, usage } from "./options.ts";
import { measurePipeline } from "./pipeline.ts";
import { report } from "./report.ts";
import { type Results, summaryOf } from "./results.ts";
import { Status } from "./status.ts";

/** Beside a stack that somebody may have running, and beside those of the tests. */
const portOffsetDefault = 13_000;

/** Servers of its own, in folders of its own: never those of the stack that the user works with. */
function settingsOf(part: "drain" | "pipeline"): Settings {
  const { home } = readSettings();
  return readSettings({
    ...process.env,
    TRIPLINE_HOME: join(home, "bench", part),
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
  const machine = await describeMachine();
  const common = { plan, signal: interrupted, progress: (text: string) => status.show(text) };
  const handler = plan.only.has("handler") ? await measureHandler(common) : undefined;
  const drained = await measureDrains({ ...common, settings: settingsOf("drain") });
  const pipeline = plan.only.has("pipeline")
    ? await measurePipeline({ ...common, plan: plan.pipeline, seed: plan.seed, settings: settingsOf("pipeline") })
    : undefined;
  const results: Results = {
    date: new Date().toISOString(),
    command: commandOf("bench", args),
    machine,
    quick: plan.quick,
    seed: plan.seed,
    records: plan.records,
    handlerIn: plan.handlerIn,
    pollers: plan.pollers,
    leftOut: plan.leftOut,
    handler,
    ...drained,
    pipeline,
  };
  status.end();
  const summary = summaryOf(results);
  status.print(`\n${report(results)}\n\nIn all: ${Math.round((Date.now() - startedMs) / 1000)} s`);
  if (plan.out !== undefined) writeFileSync(plan.out, `${JSON.stringify({ summary, ...results }, undefined, 2)}\n`);
  if (plan.json) console.log(JSON.stringify(summary));
  if (summary.alertsAgree === false) process.exitCode = 1;
}

await runBenchmark(main, { args, interrupted, status });
