import { formatBytes } from "../localstack/cli/output.ts";
import { BenchError } from "./errors.ts";
import { coresOf, drainCells, formatRatio, thousands, titles } from "./report.ts";
import { drainNames, type Results, ratiosOf } from "./results.ts";

/** The tables of docs/performance.md, by name. One that was not measured is missing. */
export function markdownTables(results: Results): ReadonlyMap<string, string> {
  const tables = new Map<string, string>();
  tables.set("machine", machineOf(results));
  const { drains, handler, pipeline } = results;
  if (handler !== undefined) {
    tables.set(
      "handler",
      table(
        ["messages", "records/s"],
        [
          ["without schema", thousands(handler.schemaless)],
          ["with schema", thousands(handler.schema)],
        ],
      ),
    );
  }
  const drained = drainNames.filter((name) => drains[name].length > 0);
  if (drained.length > 0) {
    const head = [
      "",
      "records/s",
      "second half",
      "CPU s/million",
      "memory",
      "start-up",
      "records",
      "broker CPU",
      "PostgreSQL CPU",
    ];
    tables.set(
      "drain",
      table(
        head,
        drained.map((name) => [titles[name], ...drainCells(drains[name])]),
      ),
    );
  }
  const pairs = ratiosOf(drains);
  const ratios = [
    ["one agent", pairs.kafkaStreams],
    ["both agents", pairs.kafkaStreamsBoth],
  ] as const;
  const shown = ratios.filter(([, { recordsPerSecond }]) => recordsPerSecond.rounds.length > 0);
  if (shown.length > 0) {
    tables.set(
      "ratios",
      table(
        ["Tripline to Kafka Streams", "records/s", "second half", "CPU per million", "memory"],
        shown.map(([title, each]) => [
          title,
          ...[each.recordsPerSecond, each.secondHalfPerSecond, each.cpuPerMillion, each.memory].map((ratio) =>
            formatRatio(ratio),
          ),
        ]),
      ),
    );
  }
  if (pipeline !== undefined) {
    tables.set(
      "latency",
      table(
        ["rows/s", "median", "99th percentile", "most", "alerts", "rows waiting, before → after", "cores busy"],
        Object.values(pipeline.latency).map((each) => [
          thousands(each.rowsPerSecond),
          ...[each.p50, each.p99, each.max].map((ms) => `${ms.toFixed(0)} ms`),
          thousands(each.alerts),
          `${thousands(each.waitingRowsBefore)} → ${thousands(each.waitingRowsAfter)}`,
          coresOf(each.cpuCores),
        ]),
      ),
    );
    const { sustained } = pipeline;
    tables.set(
      "sustained",
      table(
        ["rows/s, judged by both agents", "measured for", "rows waiting, before → after", "cores busy"],
        [
          [
            thousands(sustained.rowsPerSecond),
            `${sustained.seconds.toFixed(0)} s`,
            `${thousands(sustained.waitingRowsBefore)} → ${thousands(sustained.waitingRowsAfter)}`,
            coresOf(sustained.cpuCores),
          ],
        ],
      ),
    );
  }
  return tables;
}

function machineOf({ command, date, machine, records, seed }: Results): string {
  return table(
    ["", ""],
    [
      ["command", `\`${command}\``],
      ["date", date.slice(0, 10)],
      ["machine", `${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.os}`],
      [
        "versions",
        Object.entries(machine.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(", "),
      ],
      ["topic", `${thousands(records)} change events without schema, 8 partitions, seed ${seed}`],
    ],
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/**
 * The document with its tables made anew.
 *
 * @throws {BenchError} USAGE when it asks for a table that there is not
 */
export function fillTables(document: string, tables: ReadonlyMap<string, string>): string {
  return document.replaceAll(/(<!-- bench: (\S+) -->\n).*?(<!-- \/bench -->)/gs, (_, begin, name, end) => {
    const made = tables.get(name);
    if (made === undefined) {
      throw new BenchError(
        "USAGE",
        `The document has a table '${name}', which this result cannot fill: it has ${[...tables.keys()].join(", ")}. Measure everything for it.`,
      );
    }
    return `${begin}${made}\n${end}`;
  });
}
