// The results as tables: for a person at a terminal, and for docs/cdc-vs-jdbc.md.
import { formatBytes, table } from "../../localstack/cli/output.ts";
import { thousands } from "../report.ts";
import type { Share } from "./accounting.ts";
import { total } from "./designs.ts";
import { allAgree, type GrowthResult, type Results, type SteadyResult } from "./results.ts";

export interface Table {
  readonly name: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function report(results: Results): string {
  const { cores, cpu, loadAverage, memoryBytes, os } = results.machine;
  return [
    `${results.date.slice(0, 10)} · ${cpu} · ${cores} cores · ${formatBytes(memoryBytes)} · ${os} · load average before ${loadAverage.toFixed(1)}`,
    ...tablesOf(results)
      .filter(({ name }) => name !== "machine")
      .map(({ head, name, rows }) => `${name}\n${table([[...head], ...rows.map((row) => [...row])])}`),
    allAgree(results)
      ? "Alerts: those that the rule demands, for every reader, wherever nothing was late."
      : "ALERTS DIFFER from those that the rule demands: see `agreement` in --out.",
  ].join("\n\n");
}

export function tablesOf(results: Results): Table[] {
  return [
    machineOf(results),
    ...(results.steady.length > 0 ? [freshnessOf(results), loadOf(results), memoryTableOf(results)] : []),
    ...changesOf(results),
    ...coldStartOf(results),
    ...(results.growth.length > 0 ? [firstReadsOf(results), pollsOf(results)] : []),
  ];
}

export function readerTitle({ intervalMs, reader }: { reader: string; intervalMs: number | undefined }): string {
  switch (reader) {
    case "nobody":
      return "nobody reads";
    case "tripline":
      return "CDC + Kafka";
    case "reload":
      return "Spark, full reload, back to back";
    case "lookback":
      return `Spark, by timestamp with 10 s look-back, every ${seconds(intervalMs ?? 0, 0)}`;
    default:
      return `Spark, by ${reader}, every ${seconds(intervalMs ?? 0, 0)}`;
  }
}

/** First the product, then Spark, then nobody; the rates apart. */
export function inOrder(steady: readonly SteadyResult[]): SteadyResult[] {
  const rank = ({ reader }: SteadyResult) => (reader === "tripline" ? 0 : reader === "nobody" ? 2 : 1);
  return steady.toSorted((a, b) => a.rowsPerSecond - b.rowsPerSecond || rank(a) - rank(b));
}

function machineOf({ command, date, machine, seconds: took, seed, sparkMemory, sparkVersion }: Results): Table {
  const { Debezium, Java, Kafka, Node, Python } = machine.versions;
  return {
    name: "machine",
    head: ["", ""],
    rows: [
      ["command", `\`${command}\``],
      [
        "date",
        `${date.slice(0, 10)}, ${(took / 60).toFixed(0)} minutes, load average before it ${machine.loadAverage.toFixed(1)}`,
      ],
      ["machine", `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.os}`],
      [
        "versions",
        `PostgreSQL 18, Node ${Node}, Java ${Java}, Python ${Python}, Kafka ${Kafka}, Debezium ${Debezium}, Spark ${sparkVersion} (local[2], ${sparkMemory} heap)`,
      ],
      ["seed", String(seed)],
    ],
  };
}

function freshnessOf({ steady }: Results): Table {
  return {
    name: "freshness",
    head: ["rows/s", "reader", "median", "99th percentile", "most", "alerts", "one poll, median", "polls"],
    rows: inOrder(steady).flatMap((each) => {
      const { latency, polls, rowsPerSecond } = each;
      if (latency === undefined) return [];
      return [
        [
          thousands(rowsPerSecond),
          readerTitle(each),
          ...[latency.p50, latency.p99, latency.max].map((ms) => milliseconds(ms)),
          thousands(latency.alerts),
          polls === undefined ? "" : milliseconds(polls.medianMs),
          polls === undefined ? "" : String(polls.count),
        ],
      ];
    }),
  };
}

function loadOf({ steady }: Results): Table {
  return {
    name: "load",
    head: [
      "rows/s",
      "reader",
      "PostgreSQL, cores",
      "beyond the writer",
      "blocks touched/s, beyond the writer",
      "of the table and its indexes",
      "read from disk or the system's cache/s",
      "WAL/s",
      "decoded for slots/s",
      "held back by a slot",
    ],
    rows: inOrder(steady).map((each) => {
      const { cores, measuredSeconds, postgres, reader, rowsPerSecond } = each;
      const nobody = steady.find((other) => other.reader === "nobody" && other.rowsPerSecond === rowsPerSecond);
      const blocks = (of: SteadyResult) => (of.postgres.blocksHit + of.postgres.blocksRead) / of.measuredSeconds;
      const tableBlocks = (of: SteadyResult) => of.postgres.tableBlocks / of.measuredSeconds;
      const beyond = (of: (each: SteadyResult) => number) => (nobody === undefined ? 0 : of(each) - of(nobody));
      const cpu = (of: SteadyResult) => of.cores["postgres"] ?? Number.NaN;
      return [
        thousands(rowsPerSecond),
        readerTitle(each),
        (cores["postgres"] ?? 0).toFixed(3),
        decimal(beyond(cpu), 3),
        thousands(Math.round(beyond(blocks)) || 0),
        thousands(Math.round(beyond(tableBlocks)) || 0),
        thousands(postgres.blocksRead / measuredSeconds),
        kilobytes(postgres.walBytes / measuredSeconds),
        reader === "tripline" ? kilobytes(postgres.slotBytes / measuredSeconds) : "",
        reader === "tripline" ? `${(postgres.retainedBytes / 1e6).toFixed(1)} MB` : "",
      ];
    }),
  };
}

function memoryTableOf({ steady }: Results): Table {
  return {
    name: "resources",
    head: ["rows/s", "reader", "cores busy", "of which", "memory (PSS)", "of which"],
    rows: inOrder(steady).map((each) => [
      thousands(each.rowsPerSecond),
      readerTitle(each),
      total(each.cores).toFixed(2),
      parts(each.cores, (value) => value.toFixed(2), 0.005),
      formatBytes(total(each.memoryBytes)),
      parts(each.memoryBytes, formatBytes, 1e6),
    ]),
  };
}

function changesOf({ changes }: Results): Table[] {
  if (changes === undefined) return [];
  const missed = ({ of, seen }: Share) => thousands(of - seen);
  const seen = (share: Share) => `${thousands(share.seen)} of ${thousands(share.of)}`;
  return [
    {
      name: "changes",
      head: [
        "reader",
        "reads",
        "rows in the table at the end, never seen",
        "rows committed late, never seen",
        "rows that lived 0.2 s, seen",
        "updates seen",
        "deletes seen",
        "rows in the table whose amount it knows",
      ],
      rows: changes.readers.map((each) => [
        readerTitle(each),
        each.reads === undefined ? "" : String(each.reads),
        `${missed(each.account.standing)} of ${thousands(each.account.standing.of)}`,
        `${missed(each.account.rowsBy.slow)} of ${thousands(each.account.rowsBy.slow.of)}`,
        seen(each.account.rowsBy.shortLived),
        seen(each.account.updates),
        seen(each.account.deletes),
        seen(each.account.standingWithAmount),
      ]),
    },
  ];
}

function coldStartOf({ coldStart }: Results): Table[] {
  if (coldStart === undefined) return [];
  const { spark, tripline } = coldStart;
  return [
    {
      name: "cold-start",
      head: ["", "servers answer", "reader ready", "first alert"],
      rows: [
        [
          "CDC + Kafka",
          seconds(tripline.stackSeconds * 1000),
          seconds(tripline.functionsSeconds * 1000),
          seconds(tripline.alertSeconds * 1000),
        ],
        [
          "Spark, by id",
          seconds(spark.postgresSeconds * 1000),
          seconds(spark.readySeconds * 1000),
          seconds(spark.alertSeconds * 1000),
        ],
      ],
    },
  ];
}

function sparkCells({ growth }: Results, of: (each: GrowthResult["spark"][number]) => string): string[][] {
  const names = growth[0]?.spark.map(({ way }) => way) ?? [];
  return names.map((name) => [
    `Spark, ${name === "reload" ? "full reload" : `by ${name}`}`,
    ...growth.map(({ spark }) => {
      const found = spark.find(({ way }) => way === name);
      return found === undefined ? "" : of(found);
    }),
  ]);
}

function firstReadsOf(results: Results): Table {
  const { growth } = results;
  return {
    name: "first-reads",
    head: ["the whole table, read and judged", ...growth.map(({ rows }) => `${thousands(rows)} rows`)],
    rows: [
      [
        "CDC + Kafka: from no process to the last row judged, by both agents",
        ...growth.map(({ tripline }) => (tripline === undefined ? "" : seconds(tripline.snapshotSeconds * 1000))),
      ],
      [
        "of which the start of the servers",
        ...growth.map(({ tripline }) => (tripline === undefined ? "" : seconds(tripline.stackSeconds * 1000))),
      ],
      ...sparkCells(results, ({ firstReadMs }) => seconds(firstReadMs)),
      ["One SQL statement in PostgreSQL", ...growth.map(({ sqlMs }) => seconds(sqlMs))],
    ],
  };
}

function pollsOf(results: Results): Table {
  const { growth } = results;
  const cell = (medianMs: number, blocks: number) => `${milliseconds(medianMs)}, ${thousands(blocks)} blocks`;
  return {
    name: "polls",
    head: ["1,000 new rows", ...growth.map(({ rows }) => `${thousands(rows)} rows`)],
    rows: [
      [
        "CDC + Kafka: commit to alert",
        ...growth.map(({ tripline }) => (tripline === undefined ? "" : cell(tripline.medianMs, tripline.tableBlocks))),
      ],
      ...sparkCells(results, ({ medianMs, tableBlocks }) => cell(medianMs, tableBlocks)),
    ],
  };
}

function parts(values: Readonly<Record<string, number>>, format: (value: number) => string, shownMin: number): string {
  return Object.entries(values)
    .filter(([, value]) => value >= shownMin)
    .sort(([, a], [, b]) => b - a)
    .map(([name, value]) => `${name} ${format(value)}`)
    .join(", ");
}

export function milliseconds(ms: number): string {
  return Number.isFinite(ms) ? `${thousands(ms)} ms` : "–";
}

function seconds(ms: number, digits = 1): string {
  return Number.isFinite(ms) ? `${(ms / 1000).toFixed(digits)} s` : "–";
}

function kilobytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${thousands(bytes / 1000)} kB` : "–";
}

function decimal(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}
