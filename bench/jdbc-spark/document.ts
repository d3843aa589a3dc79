// node bench/jdbc-spark/document.ts RESULT.json [RESULT.json …]: puts what `npm run bench:spark -- --out RESULT.json` measured into the tables of
// docs/cdc-vs-jdbc.md, between <!-- bench: NAME --> and <!-- /bench -->, and draws docs/performance/cdc-vs-jdbc-*.svg. The text is left alone. Where parts
// were measured in runs of their own (--only), give the files of all of them.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../../localstack/cli/output.ts";
import { projectRoot } from "../../localstack/stack/settings.ts";
import { fillTables } from "../markdown.ts";
import { thousands } from "../report.ts";
import { barChart, groupedBarChart } from "../svg.ts";
import { total } from "./designs.ts";
import { inOrder, milliseconds, readerTitle, type Table, tablesOf } from "./report.ts";
import { joined, type Results } from "./results.ts";

const document = join(projectRoot, "docs/cdc-vs-jdbc.md");
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error(
    "Give the files that 'npm run bench:spark -- --out FILE' wrote: node bench/jdbc-spark/document.ts FILE [FILE …]",
  );
  process.exit(2);
}
const results = joined(files.map((file) => JSON.parse(readFileSync(file, "utf8")) as Results));

function markdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

const tables = new Map(tablesOf(results).map((each) => [each.name, markdown(each)]));
writeFileSync(document, fillTables(readFileSync(document, "utf8"), tables));
console.log(document);

const { cores } = results.machine;
const measured = `everything on one machine of ${cores} cores, ${results.date.slice(0, 10)}`;
/** The rate at which every reader was measured. */
const rate = Math.min(...results.steady.map(({ rowsPerSecond }) => rowsPerSecond));
const readers = inOrder(results.steady).filter(
  ({ reader, rowsPerSecond }) => reader !== "nobody" && rowsPerSecond === rate,
);
/** A label has room for a line of a few words. */
const label = (each: Parameters<typeof readerTitle>[0]) =>
  readerTitle(each)
    .replace(/, (every|back)/, ",\n$1")
    .replace(" with ", "\nwith ");
const bars = (of: (each: (typeof readers)[number]) => number) =>
  readers.map((each) => ({ label: label(each), value: of(each), isOurs: each.reader === "tripline" }));

const charts: Record<string, string | undefined> = {
  freshness: barChart({
    title: "From a row's commit to its alert's commit, median",
    subtitle: `${thousands(rate)} rows/s; ${measured}`,
    bars: bars(({ latency }) => latency?.p50 ?? Number.NaN),
    format: milliseconds,
  }),
  memory: barChart({
    title: "Memory of all processes (proportional set size)",
    subtitle: `PostgreSQL included, ${thousands(rate)} rows/s; ${measured}`,
    bars: bars(({ memoryBytes }) => total(memoryBytes)),
    format: formatBytes,
  }),
  missed: barChart({
    title: "Rows in the table that a reader never saw",
    subtitle: `several writers, some of which keep a transaction open for 1 to 5 s; ${measured}`,
    bars: (results.changes?.readers ?? []).map((each) => ({
      label: label(each),
      value: each.account.standing.of - each.account.standing.seen,
      isOurs: each.reader === "tripline",
    })),
    format: thousands,
  }),
  "whole-table":
    results.growth.length === 0
      ? undefined
      : groupedBarChart({
          title: "The whole table, read and judged, in seconds",
          subtitle: `CDC + Kafka: from no process, with both agents; ${measured}`,
          groups: results.growth.map(({ rows, spark, tripline }) => ({
            label: `${thousands(rows)} rows`,
            values: [
              tripline?.snapshotSeconds ?? Number.NaN,
              (spark.find(({ way }) => way === "reload")?.firstReadMs ?? Number.NaN) / 1000,
            ],
          })),
          series: ["CDC + Kafka, snapshot", "Spark, full reload"],
          format: (value) => value.toFixed(1),
        }),
};

const folder = join(projectRoot, "docs/performance");
mkdirSync(folder, { recursive: true });
for (const [name, svg] of Object.entries(charts)) {
  if (svg === undefined) continue;
  writeFileSync(join(folder, `cdc-vs-jdbc-${name}.svg`), svg);
  console.log(join(folder, `cdc-vs-jdbc-${name}.svg`));
}
