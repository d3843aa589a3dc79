import { METRIC_NAMES } from "../delivery/metrics.ts";
import type { MappingView } from "./view.ts";
import { GAUGE_NAMES } from "./view.ts";

/** Of the text format, https://prometheus.io/docs/instrumenting/exposition_formats/ */
export const PROMETHEUS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string | number>>;

interface Family {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: ReadonlyArray<readonly [labels: Labels, value: number]>;
}

/** The numbers of all mappings. `PolledEventCount` is `event_source_mapping_polled_event_count_total`. */
export function toPrometheus(views: readonly MappingView[]): string {
  const counters = METRIC_NAMES.map((name) => ofMapping(views, `${snakeCase(name)}_total`, name, "counter"));
  const gauges = GAUGE_NAMES.map((name) => ofMapping(views, snakeCase(name), name, "gauge"));
  const own: readonly Family[] = [
    each(views, "pollers", "Event pollers", ({ pollers }) => pollers),
    each(views, "invocations", "Invocations under way", ({ invocations }) => invocations),
    each(views, "paused", "1 while the mapping is paused", ({ state }) => Number(state === "paused")),
    ofPartition(views, "partition_end_offset", "The end of the partition", "end"),
    ofPartition(views, "partition_committed_offset", "What the consumer group has committed", "committed"),
    ofPartition(views, "partition_lag", "Records that are not committed", "lag"),
    ofPartition(views, "partition_failing_offset", "Where a failing batch of the partition begins", "failingFrom"),
  ];
  return [...counters, ...gauges, ...own]
    .filter(({ samples }) => samples.length > 0)
    .map(render)
    .join("");
}

function ofMapping(
  views: readonly MappingView[],
  name: string,
  metric: keyof MappingView["metrics"],
  type: Family["type"],
): Family {
  const samples = views.flatMap((view): Family["samples"] => {
    const value = view.metrics[metric];
    return value === undefined ? [] : [[labelsOf(view), value]];
  });
  return { name, type, help: `AWS Lambda's ${metric}`, samples };
}

function each(views: readonly MappingView[], name: string, help: string, read: (view: MappingView) => number): Family {
  return { name, type: "gauge", help, samples: views.map((view) => [labelsOf(view), read(view)]) };
}

function ofPartition(
  views: readonly MappingView[],
  name: string,
  help: string,
  field: "end" | "committed" | "lag" | "failingFrom",
): Family {
  const samples = views.flatMap((view) =>
    view.partitions.flatMap((one): Family["samples"] => {
      const value = one[field];
      return value === null ? [] : [[{ ...labelsOf(view), partition: one.partition }, value]];
    }),
  );
  return { name, type: "gauge", help, samples };
}

function labelsOf({ functionKey, groupId, logicalId, topic }: MappingView): Labels {
  return { logical_id: logicalId, function: functionKey, topic, group: groupId };
}

function render({ help, name, samples, type }: Family): string {
  const full = `event_source_mapping_${name}`;
  const lines = samples.map(([labels, value]) => {
    const list = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(String(text))}"`);
    return `${full}{${list.join(",")}} ${value}\n`;
  });
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join("")}`;
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
}
