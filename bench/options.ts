import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { BenchError } from "./errors.ts";

/** What can be measured, in the order in which it is. */
export const measurements = [
  "handler",
  "tripline",
  "kafka-streams",
  "both",
  "confluent-kafka",
  "kafka-python",
  "pipeline",
] as const;
export type Measurement = (typeof measurements)[number];

/** How much of everything. */
export interface Plan {
  readonly quick: boolean;
  readonly only: ReadonlySet<Measurement>;
  readonly json: boolean;
  readonly out: string | undefined;
  readonly seed: number;
  /** Change events in the topic. */
  readonly records: number;
  /** How often Tripline and Kafka Streams take turns. */
  readonly rounds: number;
  /** The same with both agents. */
  readonly roundsOfBoth: number;
  /** kafka-python takes minutes for what the others do in seconds. */
  readonly recordsOfKafkaPython: number;
  /** Where Tripline's handler runs. */
  readonly handlerIn: "process" | "worker";
  /** Event pollers of each of Tripline's mappings, in place of the bounds in serverless.yml. */
  readonly pollers: number | undefined;
  /** Where Tripline's processes leave a profile of their CPU. */
  readonly profileFolder: string | undefined;
  readonly pipeline: PipelinePlan;
  /** What a short run does without, in words. */
  readonly leftOut: readonly string[];
}

export interface PipelinePlan {
  /** Rows a second at which latency is measured. */
  readonly rates: readonly number[];
  /** Inserted before anything is measured, so that users have a history. */
  readonly rowsBefore: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly sustainedWarmUpSeconds: number;
  readonly sustainedSeconds: number;
}

const full = {
  records: 5_000_000,
  rounds: 3,
  roundsOfBoth: 1,
  recordsOfKafkaPython: 200_000,
  pipeline: {
    rates: [500, 2_000, 10_000],
    rowsBefore: 100_000,
    warmUpSeconds: 10,
    seconds: 45,
    sustainedWarmUpSeconds: 15,
    sustainedSeconds: 45,
  },
} as const;

const quick = {
  records: 200_000,
  rounds: 1,
  roundsOfBoth: 1,
  recordsOfKafkaPython: 10_000,
  pipeline: {
    rates: [500, 2_000, 10_000],
    rowsBefore: 20_000,
    warmUpSeconds: 1,
    seconds: 3,
    sustainedWarmUpSeconds: 1,
    sustainedSeconds: 4,
  },
} as const;

const recordsMin = 1_000;
const recordsMax = 100_000_000;
/** A partition is read by one. */
const pollersMax = 8;

export const usage = `npm run bench [-- OPTIONS]
  --quick           under two minutes: fewer records, one round, short latencies
  --records N       change events in the topic (${full.records}; with --quick ${quick.records})
  --rounds N        how often Tripline and Kafka Streams take turns (${full.rounds}; with --quick ${quick.rounds})
  --only A,B        of ${measurements.join(", ")}
  --handler-in W    process or worker: where Tripline's handler runs (process)
  --pollers N       event pollers of Tripline's mappings (as serverless.yml says)
  --cpu-prof FOLDER Tripline's processes leave a profile of their CPU there
  --seed N          of the made-up transactions (1)
  --json            the last line of the output is one object
  --out FILE        the results as JSON, with machine, versions and date`;

/** @throws {BenchError} USAGE */
export function readPlan(args: readonly string[]): Plan | "help" {
  const { values } = parse(args);
  if (values.help) return "help";
  const base = values.quick ? quick : full;
  const only = onlyOf(values.only, measurements);
  const records = wholeNumber("--records", values.records, base.records, recordsMin, recordsMax);
  const rounds = wholeNumber("--rounds", values.rounds, base.rounds, 1, 100);
  if (values["handler-in"] !== "process" && values["handler-in"] !== "worker") {
    throw new BenchError("USAGE", `--handler-in is '${values["handler-in"]}': it is process or worker.`);
  }
  return {
    ...base,
    records,
    rounds,
    recordsOfKafkaPython: Math.min(base.recordsOfKafkaPython, records),
    quick: values.quick,
    only,
    json: values.json,
    out: values.out,
    seed: wholeNumber("--seed", values.seed, 1, 0, 2 ** 32 - 1),
    handlerIn: values["handler-in"],
    pollers: values.pollers === undefined ? undefined : wholeNumber("--pollers", values.pollers, 1, 1, pollersMax),
    profileFolder: values["cpu-prof"] === undefined ? undefined : resolve(values["cpu-prof"]),
    leftOut: leftOut(values.quick, records, only),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        records: { type: "string" },
        rounds: { type: "string" },
        only: { type: "string" },
        "handler-in": { type: "string", default: "process" },
        pollers: { type: "string" },
        "cpu-prof": { type: "string" },
        seed: { type: "string" },
        json: { type: "boolean", default: false },
        out: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new BenchError("USAGE", `${cause instanceof Error ? cause.message : cause}\n\n${usage}`, { cause });
  }
}

/** What `--only A,B` asks for; everything where it is not given. */
export function onlyOf<Name extends string>(text: string | undefined, names: readonly Name[]): ReadonlySet<Name> {
  if (text === undefined) return new Set(names);
  return new Set(
    text.split(",").map((name) => {
      const found = names.find((each) => each === name.trim());
      if (found !== undefined) return found;
      throw new BenchError("USAGE", `--only: there is no '${name}'. There are ${names.join(", ")}.`);
    }),
  );
}

export function wholeNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  minimum: number,
  maximum: number,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text.replaceAll("_", ""));
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  throw new BenchError("USAGE", `${name} is '${text}': give a whole number from ${minimum} to ${maximum}.`);
}

function leftOut(isQuick: boolean, records: number, only: ReadonlySet<Measurement>): string[] {
  const without = measurements.filter((each) => !only.has(each));
  return [
    ...(without.length > 0 ? [`not asked for: ${without.join(", ")}`] : []),
    ...(isQuick
      ? [
          `${records.toLocaleString("en-US")} records in place of ${full.records.toLocaleString("en-US")}: runtimes are still warming up at their end, so rates are below those of a full run`,
          "one round: there is no median, and neighbours on the machine show",
          "Tripline's other forms: handlers in worker threads, both agents in one process",
          "latencies over a few seconds: the 99th percentile is of few alerts",
        ]
      : []),
  ];
}
