// The results as a person reads them.
import { formatBytes, table } from "../localstack/cli/output.ts";
import type { DrainResult } from "./drain.ts";
import type { CpuCores, PipelineResult } from "./pipeline.ts";
import type { Comparison } from "./reference.ts";
import { type DrainName, drainNames, type Ratio, type Ratios, type Results, ratiosOf } from "./results.ts";
import { median } from "./statistics.ts";

export const titles: Readonly<Record<DrainName, string>> = {
  tripline: "Tripline",
  triplineWorkers: "Tripline, handlers in worker threads",
  kafkaStreams: "Kafka Streams, exactly once",
  confluentPython: "Python, confluent-kafka",
  kafkaPython: "Python, kafka-python",
  triplineBoth: "Tripline, both agents, two processes",
  triplineBothOneProcess: "Tripline, both agents, one process",
  kafkaStreamsBoth: "Kafka Streams, both agents",
};

/** A machine with more to do than this, for each core, is not the benchmark's alone. */
const idleLoadPerCore = 0.25;

/** Less than this of a core is not worth a word. */
const coresShown = 0.05;

export function report(results: Results): string {
  return [
    headOf(results),
    handlerOf(results),
    drainsOf(results),
    ratiosOfBoth(results),
    disagreementsOf(results),
    results.pipeline === undefined ? "" : pipelineOf(results.pipeline),
    notesOf(results),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function headOf({ date, machine, records, seed, topicBytes }: Results): string {
  return [
    `${date.slice(0, 10)} · ${machine.cpu} · ${machine.cores} cores · ${formatBytes(machine.memoryBytes)} · ${machine.os}`,
    Object.entries(machine.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(" · "),
    ...(topicBytes === undefined
      ? []
      : [
          `topic: ${thousands(records)} change events without schema in 8 partitions, ${formatBytes(topicBytes)}, seed ${seed}`,
        ]),
  ].join("\n");
}

function handlerOf({ handler }: Results): string {
  if (handler === undefined) return "";
  return `Handler alone, one core: ${thousands(handler.schemaless)} records/s without schema, ${thousands(handler.schema)} with`;
}

function drainsOf({ drains }: Results): string {
  const rows = drainNames.flatMap((name) => (drains[name].length === 0 ? [] : [drainRow(titles[name], drains[name])]));
  if (rows.length === 0) return "";
  const head = [
    "drain",
    "records/s",
    "2nd half",
    "CPU s/million",
    "memory",
    "start-up",
    "records",
    "broker CPU",
    "PostgreSQL CPU",
    "alerts",
  ];
  return table([head, ...rows]);
}

function drainRow(title: string, rounds: readonly DrainResult[]): string[] {
  const alerts = rounds[0]?.alerts ?? {};
  return [
    title + (rounds.length > 1 ? `, median of ${rounds.length}` : ""),
    ...drainCells(rounds),
    Object.values(alerts)
      .map((each) => thousands(each.count))
      .join(" + "),
  ];
}

/** Rate, rate of the second half, CPU, memory, start-up, records, and the CPU of the servers: the medians of the rounds. */
export function drainCells(rounds: readonly DrainResult[]): string[] {
  const middle = (of: (each: DrainResult) => number) => median(rounds.map(of));
  return [
    thousands(middle((each) => each.recordsPerSecond)),
    thousands(middle((each) => each.secondHalfPerSecond)),
    middle((each) => each.cpuSecondsPerMillion).toFixed(2),
    formatBytes(middle((each) => each.memoryPeakBytes)),
    `${middle((each) => each.startUpSeconds).toFixed(1)} s`,
    thousands(rounds[0]?.records ?? 0),
    `${middle((each) => each.brokerCpuSeconds).toFixed(1)} s`,
    `${middle((each) => each.postgresCpuSeconds).toFixed(1)} s`,
  ];
}

/** The median, and the rounds behind it where there are several. */
export function formatRatio({ median: middle, rounds }: Ratio, sign = ""): string {
  return `${middle.toFixed(2)}${sign}${rounds.length > 1 ? ` (${rounds.map((each) => each.toFixed(2)).join(", ")})` : ""}`;
}

function ratiosOfBoth({ drains }: Results): string {
  const pairs = ratiosOf(drains);
  return [
    ratioLines("Tripline to Kafka Streams, one agent", pairs.kafkaStreams),
    ratioLines("the same, both agents", pairs.kafkaStreamsBoth),
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function ratioLines(title: string, { recordsPerSecond, secondHalfPerSecond, cpuPerMillion, memory }: Ratios): string {
  if (recordsPerSecond.rounds.length === 0) return "";
  const show = (ratio: Ratio) => formatRatio(ratio, "×");
  return `${title}: records/s ${show(recordsPerSecond)}, second half ${show(secondHalfPerSecond)}, CPU ${show(cpuPerMillion)}, memory ${show(memory)}`;
}

function disagreementsOf({ drains, ties, floatDifferences }: Results): string {
  const all = drainNames.flatMap((name) =>
    drains[name].flatMap((each) => Object.entries(each.alerts).map(([agent, found]) => ({ name, agent, found }))),
  );
  if (all.length === 0) return "";
  const wrong = all.filter(({ found }) => found.missing + found.unexpected + found.doubled > 0);
  const arithmetic = `${ties} amounts are exactly three times the mean; counted in floats, ${floatDifferences} judgements come out otherwise`;
  if (wrong.length === 0)
    return `Alerts: transaction by transaction those that the rules demand, in every drain (${arithmetic}).`;
  return [
    `ALERTS DIFFER (${arithmetic}):`,
    ...wrong.map(({ name, agent, found }) => `  ${titles[name]}, ${agent}: ${differences(found)}`),
  ].join("\n");
}

function differences({ missing, unexpected, doubled, examples }: Comparison): string {
  return `${missing} missing, ${unexpected} unexpected, ${doubled} doubled, such as transactions ${examples.join(", ")}`;
}

function pipelineOf({ latency, sustained }: PipelineResult): string {
  const rows = Object.values(latency).map((each) => [
    `${thousands(each.rowsPerSecond)} rows/s`,
    `${each.p50.toFixed(0)} ms`,
    `${each.p99.toFixed(0)} ms`,
    `${each.max.toFixed(0)} ms`,
    String(each.alerts),
    thousands(each.insertedPerSecond),
    `${thousands(each.waitingRowsBefore)} → ${thousands(each.waitingRowsAfter)}`,
    coresOf(each.cpuCores),
  ]);
  const head = [
    "row committed → alert committed",
    "p50",
    "p99",
    "most",
    "alerts",
    "rows/s inserted",
    "rows waiting",
    "cores busy",
  ];
  return [
    table([head, ...rows]),
    `PostgreSQL → both agents, sustained: ${thousands(sustained.rowsPerSecond)} rows/s over ${sustained.seconds.toFixed(0)} s, rows waiting ${thousands(sustained.waitingRowsBefore)} → ${thousands(sustained.waitingRowsAfter)}; cores busy: ${coresOf(sustained.cpuCores)}`,
  ].join("\n");
}

export function coresOf(cores: CpuCores): string {
  return Object.entries(cores)
    .filter(([, busy]) => busy >= coresShown)
    .sort(([, a], [, b]) => b - a)
    .map(([name, busy]) => `${name} ${busy.toFixed(2)}`)
    .join(", ");
}

function notesOf({ handlerIn, leftOut, drains, machine }: Results): string {
  const hasDrains = drainNames.some((name) => drains[name].length > 0);
  return [
    ...(hasDrains
      ? [
          "records/s: from the first record to the last that is done for good, of each agent; start-up apart. CPU and memory: of the contestant's own processes.",
          `Tripline's handler runs in ${handlerIn === "process" ? "the mapping's thread" : "worker threads"}; its state and alerts go to PostgreSQL, those of Kafka Streams to the broker, those of Python nowhere.`,
        ]
      : []),
    ...(machine.loadAverage > idleLoadPerCore * machine.cores
      ? [
          `The machine was busy when this began (load average ${machine.loadAverage.toFixed(1)}): the figures are too low.`,
        ]
      : []),
    ...leftOut.map((each) => `Left out: ${each}.`),
  ].join("\n");
}

export function thousands(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString("en-US") : "–";
}
