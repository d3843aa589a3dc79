import { parseArgs } from "node:util";
import { BenchError } from "../errors.ts";
import { onlyOf, wholeNumber } from "../options.ts";
import type { Way } from "./spark-job.ts";

/** What can be measured. */
export const measurements = ["steady", "changes", "cold-start", "growth"] as const;
export type Measurement = (typeof measurements)[number];

export interface SteadyStep {
  readonly way: Way;
  readonly intervalMs: number;
  readonly rowsPerSecond: number;
}

export interface Plan {
  readonly quick: boolean;
  readonly json: boolean;
  readonly out: string | undefined;
  readonly seed: number;
  readonly only: ReadonlySet<Measurement>;
  readonly rates: readonly number[];
  readonly steps: readonly SteadyStep[];
  /** In the table before the steady load. */
  readonly rowsBefore: number;
  /** Of Spark, before anything of it is measured. */
  readonly warmUpPolls: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly changingSeconds: number;
  readonly growthRows: readonly number[];
  readonly growthPolls: number;
}

const full = {
  rates: [500, 2_000],
  steps: [
    { way: "id", intervalMs: 1_000, rowsPerSecond: 500 },
    { way: "id", intervalMs: 10_000, rowsPerSecond: 500 },
    { way: "timestamp", intervalMs: 1_000, rowsPerSecond: 500 },
    { way: "reload", intervalMs: 0, rowsPerSecond: 500 },
    { way: "id", intervalMs: 1_000, rowsPerSecond: 2_000 },
    { way: "reload", intervalMs: 0, rowsPerSecond: 2_000 },
  ] as SteadyStep[],
  rowsBefore: 100_000,
  warmUpPolls: 30,
  warmUpSeconds: 4,
  seconds: 20,
  changingSeconds: 40,
  growthRows: [10_000, 1_000_000, 5_000_000],
  growthPolls: 3,
};

const quick: typeof full = {
  rates: [500],
  steps: [
    { way: "id", intervalMs: 1_000, rowsPerSecond: 500 },
    { way: "timestamp", intervalMs: 1_000, rowsPerSecond: 500 },
    { way: "reload", intervalMs: 0, rowsPerSecond: 500 },
  ],
  rowsBefore: 20_000,
  warmUpPolls: 3,
  warmUpSeconds: 2,
  seconds: 6,
  changingSeconds: 12,
  growthRows: [10_000, 100_000],
  growthPolls: 1,
};

export const usage = `npm run bench:spark [-- OPTIONS]
  --quick      a few minutes: small tables, short loads, one rate
  --only A,B   of ${measurements.join(", ")}
  --tables A,B rows in the tables that growth is measured with (${full.growthRows.join(",")})
  --seed N     of the made-up transactions (1)
  --json       the last line of the output is one object
  --out FILE   the results as JSON, with machine, versions and date`;

/** @throws {BenchError} USAGE */
export function readPlan(args: readonly string[]): Plan | "help" {
  const values = parse(args);
  if (values.help) return "help";
  const base = values.quick ? quick : full;
  return {
    ...base,
    growthRows: values.tables === undefined ? base.growthRows : values.tables.split(",").map(tableRowsOf),
    quick: values.quick,
    json: values.json,
    out: values.out,
    seed: wholeNumber("--seed", values.seed, 1, 0, 2 ** 32 - 1),
    only: onlyOf(values.only, measurements),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string" },
        tables: { type: "string" },
        seed: { type: "string" },
        json: { type: "boolean", default: false },
        out: { type: "string" },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (cause) {
    throw new BenchError("USAGE", `${cause instanceof Error ? cause.message : cause}\n\n${usage}`, { cause });
  }
}

/** Ids are 32 bits wide. */
const tableRowsMax = 100_000_000;

function tableRowsOf(text: string): number {
  const rows = Number(text.trim().replaceAll("_", ""));
  if (Number.isInteger(rows) && rows > 0 && rows <= tableRowsMax) return rows;
  throw new BenchError("USAGE", `--tables: '${text}' is no number of rows from 1 to ${tableRowsMax}.`);
}
