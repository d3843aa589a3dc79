// Hurts the whole system under load, again and again, and audits it after each time: npm run chaos [-- --seed N --minutes M
// --faults a,b,c --json]. Each fault once, then random ones that overlap, until the minutes are over.
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { bold, dim, green, printJson, red, yellow } from "../../localstack/cli/output.ts";
import { abortOnSignals } from "../../localstack/cli/signals.ts";
import { reasonOf } from "../../localstack/stack/errors.ts";
import { Dice } from "./dice.ts";
import { type Fault, faults } from "./faults/index.ts";
import { each, nameOf, random, type Step } from "./plan.ts";
import { play, type StepResult } from "./run.ts";
import { System } from "./system.ts";

const usage = `npm run chaos -- [--seed N] [--minutes M] [--faults a,b,c] [--rate N] [--json]

  --seed N      repeats the plan of a run (default: any)
  --minutes M   goes on with random faults until then (default: 0, each fault once)
  --faults …    these alone, in this order; 'none' for random ones only
  --rate N      transactions a second (default: 600)
  --json        one JSON object a step, and one for the run

`;
/** Enough for a checkpoint of each partition within the first minutes (shared/agents: every 50,000 transactions). */
const rowsBeforeLong = 300_000;

interface Options {
  seed: number;
  minutes: number;
  once: readonly Fault[];
  often: readonly Fault[];
  rowsPerSecond: number;
  json: boolean;
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "0" },
      faults: { type: "string" },
      rate: { type: "string", default: "600" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    const names = faults.map(({ name, does }) => `  ${name.padEnd(18)}${does}\n`).join("");
    process.stdout.write(`${usage}${names}`);
    process.exit(0);
  }
  const named = values.faults?.split(",").filter((name) => name !== "none");
  const chosen = named?.map((name) => {
    const fault = faults.find((each) => each.name === name);
    if (fault === undefined) throw new Error(`there is no fault '${name}': 'npm run chaos -- --help' lists them`);
    return fault;
  });
  return {
    seed: numberOf("seed", values.seed ?? String(randomInt(2 ** 31))),
    minutes: numberOf("minutes", values.minutes),
    once: chosen ?? faults,
    often: chosen === undefined || chosen.length === 0 ? faults : chosen,
    rowsPerSecond: numberOf("rate", values.rate),
    json: values.json,
  };
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0)
    throw new Error(`--${option} takes a number, not '${text}'`);
  return number;
}

function* planOf({ seed, once, often, minutes }: Options, startMs: number): Generator<Step> {
  // Dice of their own for both parts, so that the random steps are the same with any number of single ones.
  const [first, second] = [new Dice(seed), new Dice(seed ^ 0x5eed)];
  yield* each(once, first);
  while (Date.now() < startMs + minutes * 60_000) yield random(often, second);
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`.padStart(8);
const count = new Intl.NumberFormat("en-US");

function lineOf({ name, hurtMs, recoveredMs, rows, alerts, problems }: StepResult): string {
  const mark = problems.length === 0 ? green("✔") : red("✖");
  const said = problems.length === 0 ? "verified" : problems.join("; ");
  return `${mark} ${name.padEnd(44)} ${seconds(hurtMs)} hurt ${seconds(recoveredMs)} to recover   ${count.format(rows)} rows, ${count.format(alerts)} alerts: ${said}`;
}

function optionsOrUsage(): Options {
  try {
    return readOptions();
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n\n${usage}`);
    process.exit(2);
  }
}

const options = optionsOrUsage();
const say = (text: string) => options.json || console.log(text);
const stop = abortOnSignals();
const startMs = Date.now();
const results: StepResult[] = [];
let failure: string | undefined;

say(`${bold(`seed ${options.seed}`)}  ${dim("Ctrl-C ends in order")}`);
const system = new System({
  dice: new Dice(options.seed ^ 0x10ad),
  rowsPerSecond: options.rowsPerSecond,
  rowsBefore: options.minutes > 0 ? rowsBeforeLong : 0,
  onTrouble: (line) => say(dim(`  ${line}`)),
});
try {
  await system.start();
  say(dim(`  up after ${seconds(Date.now() - startMs).trim()}; logs in ${system.stack.home}/logs`));
  for (const step of planOf(options, startMs)) {
    if (stop.aborted) break;
    say(
      dim(
        `  ${new Date().toISOString()} ${step.map(({ fault, afterMs, lastsMs }) => `${fault.name} after ${afterMs} ms for ${lastsMs} ms`).join(", ")}`,
      ),
    );
    const result = await play(system, step, stop);
    if (result === undefined) break;
    results.push(result);
    if (options.json) printJson({ step: nameOf(step), ...result });
    else say(lineOf(result));
    if (result.problems.length > 0) {
      failure = `${result.name}: ${result.problems.join("; ")}`;
      break;
    }
  }
} catch (error) {
  failure = reasonOf(error);
  say(red(error instanceof Error ? (error.stack ?? error.message) : String(error)));
} finally {
  await system.stop({ keep: failure !== undefined }).catch((error) => say(yellow(`  ${reasonOf(error)}`)));
}
if (failure !== undefined) {
  process.exitCode = 1;
  say(`${red("✖")} ${failure}`);
  say(
    `  'npm run chaos -- --seed ${options.seed}' plays the same plan; what is left of this run is in ${system.stack.home}`,
  );
}
if (options.json) {
  printJson({
    ok: failure === undefined,
    seed: options.seed,
    minutes: (Date.now() - startMs) / 60_000,
    steps: results.length,
    ...(failure !== undefined && { failure, home: system.stack.home }),
  });
} else if (failure === undefined) {
  say(
    `${green("✔")} ${results.length} steps in ${((Date.now() - startMs) / 60_000).toFixed(1)} min, nothing missing, unexpected or doubled`,
  );
}
