import type { Machine } from "../results.ts";
import type { Account } from "./accounting.ts";
import type { Agreement, Latency, PostgresCounts } from "./ground.ts";
import type { Way } from "./spark-job.ts";

/** Everything that a run measured, as `--out` writes it. */
export interface Results {
  readonly date: string;
  readonly command: string;
  readonly quick: boolean;
  readonly seconds: number;
  readonly seed: number;
  readonly machine: Machine;
  readonly sparkVersion: string;
  readonly sparkMemory: string;
  /** Rows in the table before the steady load. */
  readonly rowsBefore: number;
  readonly steady: readonly SteadyResult[];
  readonly changes: ChangesResult | undefined;
  readonly coldStart: ColdStartResult | undefined;
  readonly growth: readonly GrowthResult[];
}

/** Nothing but PostgreSQL and the writer; the product; or Spark. */
export type Reader = "nobody" | "tripline" | Way;

/** A reader under a steady load. */
export interface SteadyResult {
  readonly reader: Reader;
  /** Between two polls; 0 as often as it can; undefined where there are no polls. */
  readonly intervalMs: number | undefined;
  readonly rowsPerSecond: number;
  readonly insertedPerSecond: number;
  /** Of the machine in the minute before. */
  readonly loadAverage: number;
  readonly latency: Latency | undefined;
  /** The alerts against those that the rule demands of the whole table. */
  readonly agreement: Agreement | undefined;
  readonly polls: { readonly count: number; readonly medianMs: number; readonly maxMs: number } | undefined;
  readonly measuredSeconds: number;
  /** CPU seconds a second, that is cores, by process; PostgreSQL's work for the writer included. */
  readonly cores: Readonly<Record<string, number>>;
  /** The largest sum, and its parts. */
  readonly memoryBytes: Readonly<Record<string, number>>;
  /** In the measured seconds. */
  readonly postgres: PostgresCounts;
}

export interface ChangesReader {
  readonly reader: string;
  readonly intervalMs: number | undefined;
  readonly reads: number | undefined;
  readonly account: Account;
}

export interface ChangesResult {
  readonly seconds: number;
  readonly readers: readonly ChangesReader[];
}

export interface ColdStartResult {
  readonly tripline: {
    readonly stackSeconds: number;
    readonly functionsSeconds: number;
    readonly alertSeconds: number;
  };
  readonly spark: { readonly postgresSeconds: number; readonly readySeconds: number; readonly alertSeconds: number };
}

export interface GrowthPolls {
  /** 1,000 new rows, read, judged, alerts written: the median of the polls. */
  readonly medianMs: number;
  readonly maxMs: number;
  readonly count: number;
  /** Blocks of the table and its indexes that one poll touched, median. */
  readonly tableBlocks: number;
}

export interface GrowthWay extends GrowthPolls {
  readonly way: string;
  readonly firstReadMs: number;
  readonly firstReadBlocks: number;
  readonly agreement: Agreement | undefined;
}

/** A table of so many rows. */
export interface GrowthResult {
  readonly rows: number;
  readonly loadAverage: number;
  readonly spark: readonly GrowthWay[];
  /** The same judgement of the whole table in one SQL statement. */
  readonly sqlMs: number;
  readonly tripline:
    | (GrowthPolls & {
        /** From the start of the stack until both agents have judged the snapshot. */
        readonly snapshotSeconds: number;
        readonly stackSeconds: number;
        readonly snapshotBlocks: number;
        readonly agreement: Agreement;
      })
    | undefined;
}

export function agrees({ doubled, missing, unexpected }: Agreement): boolean {
  return missing + unexpected + doubled === 0;
}

/** Whether every reader raised the alerts that the rule demands wherever nothing was late. */
export function allAgree({ growth, steady }: Results): boolean {
  return [
    ...steady.map(({ agreement }) => agreement),
    ...growth.flatMap(({ spark, tripline }) => [...spark.map(({ agreement }) => agreement), tripline?.agreement]),
  ].every((each) => each === undefined || agrees(each));
}

/** The parts of several runs as one; of a part that more than one of them measured, the first. */
export function joined(runs: readonly Results[]): Results {
  const [first] = runs;
  if (first === undefined) throw new Error("There is nothing to join.");
  const { machine } = first;
  return {
    ...first,
    command: [...new Set(runs.map(({ command }) => command))].join("`, `"),
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    machine: { ...machine, loadAverage: Math.max(...runs.map((run) => run.machine.loadAverage)) },
    steady: runs.find(({ steady }) => steady.length > 0)?.steady ?? [],
    changes: runs.find(({ changes }) => changes)?.changes,
    coldStart: runs.find(({ coldStart }) => coldStart)?.coldStart,
    growth: [...new Map(runs.toReversed().flatMap((run) => run.growth.map((each) => [each.rows, each]))).values()].sort(
      (a, b) => a.rows - b.rows,
    ),
  };
}
