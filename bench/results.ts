import type { DrainResult } from "./drain.ts";
import type { PipelineResult } from "./pipeline.ts";
import { median, ratios, rounded } from "./statistics.ts";

/** Everything that a run measured, as `--out` writes it. */
export interface Results {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly quick: boolean;
  readonly seed: number;
  /** Of the topic. */
  readonly records: number;
  readonly topicBytes: number | undefined;
  /** Where Tripline's handler ran, unless a line says otherwise. */
  readonly handlerIn: "process" | "worker";
  /** Of each of Tripline's mappings; undefined: as serverless.yml says. */
  readonly pollers?: number | undefined;
  readonly leftOut: readonly string[];
  readonly handler: HandlerRates | undefined;
  readonly drains: Drains;
  /** How far the agents' arithmetic mattered: see reference.ts. */
  readonly ties: number;
  readonly floatDifferences: number;
  readonly pipeline: PipelineResult | undefined;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly os: string;
  /** Of the minute before: what else the machine was doing. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
}

/** Records a second that the handler alone judges; from bench/handler.ts. */
export interface HandlerRates {
  readonly schemaless: number;
  readonly schema: number;
}

/** Drains by what was drained with, in the order of the rounds. */
export type Drains = Readonly<Record<DrainName, readonly DrainResult[]>>;

export const drainNames = [
  "tripline",
  "triplineWorkers",
  "kafkaStreams",
  "confluentPython",
  "kafkaPython",
  "triplineBoth",
  "triplineBothOneProcess",
  "kafkaStreamsBoth",
] as const;
export type DrainName = (typeof drainNames)[number];

/** The object that scripts read: the last line of `--json`. What was not measured is null. */
export interface Summary {
  readonly handler: { readonly schemaless: number | null; readonly schema: number | null };
  readonly drain: Readonly<
    Record<"one" | "both" | "kafkaPython" | "confluentPython" | "kafkaStreams" | "kafkaStreamsBoth", number | null>
  >;
  readonly cpuPerMillion: { readonly tripline: number | null; readonly kafkaStreams: number | null };
  readonly latencyMs: Readonly<Record<string, { readonly p50: number; readonly p99: number }>>;
  readonly pipelineRowsPerSecond: number | null;
  /** Null where nothing was drained. */
  readonly alertsAgree: boolean | null;
  readonly [more: string]: unknown;
}

export function summaryOf({ drains, handler, pipeline, ...results }: Results): Summary {
  const all = Object.values(drains).flat();
  const rate = (name: DrainName) => whole(median(drains[name].map((each) => each.recordsPerSecond)));
  const middle = (name: DrainName, of: (each: DrainResult) => number) => threeDigits(median(drains[name].map(of)));
  const cpu = (each: DrainResult) => each.cpuSecondsPerMillion;
  const megabytes = (each: DrainResult) => each.memoryPeakBytes / 1e6;
  const pairs = ratiosOf(drains);
  return {
    handler: { schemaless: whole(handler?.schemaless), schema: whole(handler?.schema) },
    drain: {
      one: rate("tripline"),
      both: rate("triplineBoth"),
      kafkaPython: rate("kafkaPython"),
      confluentPython: rate("confluentPython"),
      kafkaStreams: rate("kafkaStreams"),
      kafkaStreamsBoth: rate("kafkaStreamsBoth"),
    },
    cpuPerMillion: { tripline: middle("tripline", cpu), kafkaStreams: middle("kafkaStreams", cpu) },
    latencyMs: Object.fromEntries(
      Object.entries(pipeline?.latency ?? {}).map(([name, { p50, p99 }]) => [
        name,
        { p50: rounded(p50), p99: rounded(p99) },
      ]),
    ),
    pipelineRowsPerSecond: whole(pipeline?.sustained.rowsPerSecond),
    alertsAgree: all.length === 0 ? null : all.every(({ alertsAgree }) => alertsAgree),
    secondHalf: {
      one: middle("tripline", (each) => each.secondHalfPerSecond),
      kafkaStreams: middle("kafkaStreams", (each) => each.secondHalfPerSecond),
    },
    memoryMb: { tripline: middle("tripline", megabytes), kafkaStreams: middle("kafkaStreams", megabytes) },
    startUpSeconds: {
      tripline: middle("tripline", (each) => each.startUpSeconds),
      kafkaStreams: middle("kafkaStreams", (each) => each.startUpSeconds),
    },
    ratiosToKafkaStreams: pairs.kafkaStreams,
    rounds: drains.tripline.length,
    records: results.records,
    loadAverage: results.machine.loadAverage,
    quick: results.quick,
    handlerIn: results.handlerIn,
  };
}

/** Tripline's figures over another's: the median of the rounds, and each round. */
export interface Ratio {
  readonly median: number;
  readonly rounds: readonly number[];
}

export interface Ratios {
  readonly recordsPerSecond: Ratio;
  readonly secondHalfPerSecond: Ratio;
  readonly cpuPerMillion: Ratio;
  readonly memory: Ratio;
}

/** Pair by pair: what else the machine did in a round, it did to both. */
export function ratiosOf(drains: Drains): { readonly kafkaStreams: Ratios; readonly kafkaStreamsBoth: Ratios } {
  const pair = (ours: readonly DrainResult[], theirs: readonly DrainResult[]): Ratios => {
    const of = (figure: (each: DrainResult) => number): Ratio => {
      const rounds = ratios(ours.map(figure), theirs.map(figure)).map((each) => rounded(each));
      return { median: rounded(median(rounds)), rounds };
    };
    return {
      recordsPerSecond: of((each) => each.recordsPerSecond),
      secondHalfPerSecond: of((each) => each.secondHalfPerSecond),
      cpuPerMillion: of((each) => each.cpuSecondsPerMillion),
      memory: of((each) => each.memoryPeakBytes),
    };
  };
  return {
    kafkaStreams: pair(drains.tripline, drains.kafkaStreams),
    kafkaStreamsBoth: pair(drains.triplineBoth, drains.kafkaStreamsBoth),
  };
}

/** The same object when only a part was measured: null, which JSON has, for NaN, which it has not. */
function whole(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Math.round(value);
}

function threeDigits(value: number): number | null {
  return Number.isFinite(value) ? rounded(value) : null;
}
