// node bench/plots.ts RESULT.json [FOLDER]: draws what `npm run bench -- --out RESULT.json` measured, into docs/performance/*.svg.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatBytes } from "../localstack/cli/output.ts";
import { projectRoot } from "../localstack/stack/settings.ts";
import type { DrainResult } from "./drain.ts";
import { thousands } from "./report.ts";
import type { DrainName, Results } from "./results.ts";
import { median } from "./statistics.ts";
import { type Bar, barChart, groupedBarChart } from "./svg.ts";

const [file, folder = join(projectRoot, "docs/performance")] = process.argv.slice(2);
if (file === undefined) {
  console.error("Give the file that 'npm run bench -- --out FILE' wrote: node bench/plots.ts FILE [FOLDER]");
  process.exit(2);
}
const results = JSON.parse(readFileSync(file, "utf8")) as Results;

/** Without words that would only repeat the title. */
const names: Readonly<Partial<Record<DrainName, string>>> = {
  tripline: "Tripline",
  kafkaStreams: "Kafka Streams\n(exactly once)",
  confluentPython: "Python\n(confluent-kafka)",
  kafkaPython: "Python\n(kafka-python)",
};
const namesOfBoth: Readonly<Partial<Record<DrainName, string>>> = {
  triplineBoth: "Tripline",
  kafkaStreamsBoth: "Kafka Streams\n(exactly once)",
};

function bars(of: (drain: DrainResult) => number, shown: Readonly<Partial<Record<DrainName, string>>> = names): Bar[] {
  return Object.entries(shown).flatMap(([name, label]) => {
    const rounds = results.drains[name as DrainName];
    return rounds.length === 0 ? [] : [{ label, value: median(rounds.map(of)), isOurs: name.startsWith("tripline") }];
  });
}

const { cores, cpu } = results.machine;
const measured = `${thousands(results.records)} change events, ${cores} cores (${cpu}), ${results.date.slice(0, 10)}`;
const charts: Record<string, string | undefined> = {
  "records-per-second": barChart({
    title: "One agent drains a topic: records a second",
    subtitle: measured,
    bars: bars((each) => each.recordsPerSecond),
    format: thousands,
  }),
  "both-agents": barChart({
    title: "Both agents at once: records a second, of each",
    subtitle: measured,
    bars: bars((each) => each.recordsPerSecond, namesOfBoth),
    format: thousands,
  }),
  "cpu-per-million": barChart({
    title: "CPU seconds for a million records",
    subtitle: `of the contestant's own processes; ${measured}`,
    bars: bars((each) => each.cpuSecondsPerMillion),
    format: (value) => value.toFixed(1),
  }),
  memory: barChart({
    title: "Peak memory of one agent",
    subtitle: measured,
    bars: bars((each) => each.memoryPeakBytes),
    format: formatBytes,
  }),
  latency:
    results.pipeline &&
    groupedBarChart({
      title: "From a row's commit to its alert's commit, in milliseconds",
      subtitle: `PostgreSQL → Debezium → Kafka → agent → PostgreSQL, all on one machine of ${cores} cores, ${results.date.slice(0, 10)}`,
      groups: Object.values(results.pipeline.latency).map(({ rowsPerSecond, p50, p99 }) => ({
        label: `${thousands(rowsPerSecond)} rows/s`,
        values: [p50, p99],
      })),
      series: ["median", "99th percentile"],
      format: thousands,
    }),
};

mkdirSync(folder, { recursive: true });
for (const [name, svg] of Object.entries(charts)) {
  if (svg === undefined) continue;
  writeFileSync(join(folder, `${name}.svg`), svg);
  console.log(join(folder, `${name}.svg`));
}
