import { styleText } from "node:util";
import type { MappingState, MappingView, PartitionView } from "./view.ts";

/** Colours a word, or leaves it as it is where there is no terminal. */
export type Paint = (color: "green" | "yellow" | "red" | "dim" | "bold", text: string) => string;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (color, text) => styleText(color, text, { stream });
}

const STATE_COLORS = {
  running: "green",
  failing: "red",
  paused: "yellow",
  waiting: "yellow",
  disabled: "dim",
} as const;

const STATE_NOTES: { readonly [State in MappingState]?: string } = {
  waiting: "no partition is read: Kafka or the topic is not there, or others in the group have all",
  disabled: "enabled is false",
};

/** What `list` shows people. Each mapping is a headline, what it is, what it did, and a table of its partitions. */
export function renderList(views: readonly MappingView[], paint: Paint): string {
  return views.map((view) => renderMapping(view, paint).join("\n")).join("\n\n");
}

function renderMapping(view: MappingView, paint: Paint): readonly string[] {
  const { functionKey, groupId, invocations, logicalId, metrics, pollers, startingPosition, state, topic } = view;
  const note = STATE_NOTES[state];
  const parts = [
    `${paint("bold", functionKey)} ← ${paint("bold", topic)}`,
    paint(STATE_COLORS[state], state) + (note === undefined ? "" : ` (${note})`),
  ];
  if (state !== "disabled") {
    parts.push(`lag ${view.sumOffsetLag ?? "unknown"}`, plural(pollers, "poller"), plural(invocations, "invocation"));
  }
  const lines = [
    parts.join("  "),
    `  group ${groupId}, from what it has committed or ${startingPosition}, ${plural(view.filters.length, "filter")}`,
    paint("dim", `  ${logicalId}`),
  ];
  if (state === "disabled") return lines;
  const counts = COUNTERS.flatMap(([name, label]) => {
    const count = metrics[name] ?? 0;
    return count > 0 ? [`${label} ${count}`] : [];
  });
  lines.push(`  records ${counts.join(", ") || "none yet"}`);
  return view.partitions.length === 0 ? lines : [...lines, ...renderPartitions(view.partitions, paint)];
}

/** Those that are not 0 are shown. */
const COUNTERS = [
  ["PolledEventCount", "polled"],
  ["FilteredOutEventCount", "filtered out"],
  ["InvokedEventCount", "invoked"],
  ["FailedInvokeEventCount", "failed"],
  ["OnFailureDestinationDeliveredEventCount", "sent to the destination"],
  ["DroppedEventCount", "dropped"],
  ["CommittedEventCount", "committed"],
] as const;

function renderPartitions(partitions: readonly PartitionView[], paint: Paint): readonly string[] {
  const header = ["partition", "end", "committed", "next", "lag"];
  const rows = partitions.map(({ committed, end, lag, next, partition }) =>
    [partition, end, committed, next, lag].map((value) => (value === null ? "-" : String(value))),
  );
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] as string).length)),
  );
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, column) => cell.padStart(widths[column] as number)).join("  ")}`;
  return [
    paint("dim", line(header)),
    ...rows.map((row, index) => {
      const { assigned, failingFrom } = partitions[index] as PartitionView;
      if (failingFrom !== null) return `${line(row)}  ${paint("red", `failing from ${failingFrom}`)}`;
      return assigned ? line(row) : `${line(row)}  ${paint("dim", "not read by this process")}`;
    }),
  ];
}

function plural(count: number, noun: string): string {
  return count === 0 ? `no ${noun}s` : `${count} ${noun}${count === 1 ? "" : "s"}`;
}
