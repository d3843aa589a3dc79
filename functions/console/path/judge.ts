import { connectorDeclarations } from "../../../shared/connectors/declarations.ts";
import { topics as declaredTopics, groups as knownGroups } from "../../../shared/kafka/topics.ts";
import type { GroupView, Health, PathItem, PathStage, TopicSummary } from "../api.ts";
import { formatBytes, formatDuration, formatWhole } from "../units.ts";
import type { AlertActivity, Observations, Slot } from "./observe.ts";

/** Write-ahead log that waits for a reader: much is a connector that is slow or has stopped, and fills the disk in the end. */
const slotAttentionBytes = 256 * 2 ** 20;
const slotFaultBytes = 2 * 2 ** 30;

/** Records that a group has not read; more than a few seconds' worth of what the path carries. */
const lagAttention = 50_000;

/**
 * The path from left to right, each part with how it is and, where something is wrong, what.
 *
 * @param expected the connectors that should be there, by the names of their declarations
 */
export function judgePath(seen: Observations, expected: readonly string[]): PathStage[] {
  return [
    stage(
      "database",
      "PostgreSQL",
      judge(seen.slots, "PostgreSQL", "/connectors", (slots) => judgeSlots(slots, expected)),
    ),
    stage(
      "connectors",
      "Debezium",
      judge(seen.connectors, "Kafka Connect", "/connectors", (connectors) =>
        judgeConnectors(connectors, seen.slots, expected),
      ),
    ),
    stage("topics", "Kafka topics", judge(seen.topics, "Kafka", "/topics", judgeTopics)),
    stage(
      "groups",
      "Functions",
      judge(seen.groups, "Kafka", "/groups", (groups) => judgeGroups(groups, seen.mappings)),
    ),
    stage("alerts", "Alerts", [
      ...judge(seen.alerts, "PostgreSQL", "/alerts", judgeAlerts),
      // What keeps them from being counted is at fault elsewhere on the path.
      ...(seen.failedRecords instanceof Error ? [] : judgeFailedRecords(seen.failedRecords)),
    ]),
  ];
}

function stage(id: PathStage["id"], title: string, items: readonly PathItem[]): PathStage {
  return { id, title, health: worst(items.map(({ health }) => health)), items };
}

const severity: readonly Health[] = ["ok", "unknown", "attention", "fault"];

function worst(all: readonly Health[]): Health {
  return all.reduce((found, each) => (severity.indexOf(each) > severity.indexOf(found) ? each : found), "ok");
}

/** What does not answer is at fault itself. */
function judge<Seen>(
  seen: Seen | Error,
  server: string,
  href: string,
  items: (seen: Seen) => readonly PathItem[],
): readonly PathItem[] {
  if (!(seen instanceof Error)) return items(seen);
  return [{ name: server, health: "fault", figure: "no answer", problem: seen.message, href }];
}

const declaredConnectors = Object.entries(connectorDeclarations);

/** Those of the declared connectors, and whatever else makes PostgreSQL keep its log. */
function judgeSlots(slots: readonly Slot[], expected: readonly string[]): readonly PathItem[] {
  const missing = declaredConnectors
    .filter(([connector]) => expected.includes(connector))
    .map(([connector, declaration]) => ({ connector, name: declaration["slot.name"] }))
    .filter(({ name }) => !slots.some((slot) => slot.name === name));
  return [
    ...slots.map(({ name, ...slot }): PathItem => {
      const [health, problem] = judgeSlot(slot);
      const reader = declaredConnectors.find(([, declaration]) => declaration["slot.name"] === name)?.[0];
      const href = reader === undefined ? "/connectors" : hrefOf(reader);
      return { name, health, figure: `${formatBytes(slot.behindBytes)} behind`, problem, href };
    }),
    ...missing.map(({ connector, name }): PathItem => {
      const problem = `There is no such slot: ${connector} captures nothing.`;
      return { name, health: "fault", figure: "missing", problem, href: hrefOf(connector) };
    }),
  ];
}

const hrefOf = (connector: string) => `/connectors#${encodeURIComponent(connector)}`;

function judgeSlot({ active, behindBytes, keptBytes, walStatus }: Omit<Slot, "name">): [Health, string | null] {
  if (walStatus === "lost" || walStatus === "unreserved") {
    return [
      "fault",
      `PostgreSQL no longer keeps what its reader has not seen (${walStatus}): see "Connector failed" in docs/deploy.md.`,
    ];
  }
  if (!active) {
    return [
      "fault",
      "Nobody reads it: its connector has stopped, or takes its first snapshot, and PostgreSQL keeps what it has not read.",
    ];
  }
  if (behindBytes >= slotFaultBytes) return ["fault", "Its connector does not keep up, and the disk fills."];
  if (behindBytes >= slotAttentionBytes) return ["attention", "Its connector is slow, or catches up."];
  if (keptBytes >= slotFaultBytes) {
    return [
      "attention",
      `PostgreSQL keeps ${formatBytes(keptBytes)} of its log for it: a transaction has been open for long.`,
    ];
  }
  return ["ok", null];
}

type SeenConnector = Exclude<Observations["connectors"], Error>[number];

function judgeConnectors(
  connectors: readonly SeenConnector[],
  slots: Observations["slots"],
  expected: readonly string[],
): readonly PathItem[] {
  const missing = expected.filter((name) => !connectors.some((connector) => connector.name === name));
  return [
    ...connectors.map((connector) => judgeConnector(connector, slots)),
    ...missing.map((name): PathItem => {
      const problem = "It is not registered: nothing of its tables is captured.";
      return { name, health: "fault", figure: "missing", problem, href: hrefOf(name) };
    }),
  ];
}

function judgeConnector({ name, state, tasks }: SeenConnector, slots: Observations["slots"]): PathItem {
  const href = hrefOf(name);
  const failed = tasks.find((task) => task.state === "FAILED");
  if (state === "FAILED" || failed !== undefined) {
    return { name, health: "fault", figure: "FAILED", problem: causeIn(failed?.trace ?? null), href };
  }
  if (state === "PAUSED" || state === "STOPPED") {
    const problem = `Somebody has ${state.toLowerCase()} it.`;
    return { name, health: "fault", figure: state, problem, href };
  }
  if (state === "RUNNING" && tasks.some((task) => task.state === "UNKNOWN")) return judgeBySlot(name, slots);
  if (state !== "RUNNING" || tasks.length === 0 || tasks.some((task) => task.state !== "RUNNING")) {
    return { name, health: "attention", figure: state, problem: "Its task has not started.", href };
  }
  return { name, health: "ok", figure: "RUNNING", problem: null, href };
}

/** MSK Connect does not say how a task is. One that has ended no longer reads its slot. */
function judgeBySlot(name: string, slots: Observations["slots"]): PathItem {
  const common = { name, figure: "RUNNING", href: hrefOf(name) };
  const slotName = declaredConnectors.find(([connector]) => connector === name)?.[1]["slot.name"];
  const slot = slots instanceof Error ? undefined : slots.find((each) => each.name === slotName);
  if (slot === undefined) {
    return {
      ...common,
      health: "unknown",
      problem: "MSK Connect does not say whether its task runs, and its slot is not seen.",
    };
  }
  if (slot.active) return { ...common, health: "ok", problem: null };
  const problem =
    "MSK Connect calls it running, but nobody reads its slot: it takes its first snapshot, or its task has ended with an error. The workers' log group says which.";
  return { ...common, health: "fault", problem };
}

/** The line of a trace that says what it began with. */
function causeIn(trace: string | null): string {
  const lines = (trace ?? "").split("\n");
  return lines.findLast((line) => line.includes("Caused by")) ?? (lines[0] || "It has failed.");
}

/** Those that the path is made of; what else is in Kafka is no fault of it. */
export const pathTopics: readonly string[] = [
  declaredTopics.transactions.name,
  declaredTopics.alerts.name,
  declaredTopics.activity.name,
];

function judgeTopics(topics: readonly TopicSummary[]): readonly PathItem[] {
  return pathTopics.map((name) => {
    const href = `/topics/${encodeURIComponent(name)}`;
    const topic = topics.find((each) => each.name === name);
    if (topic === undefined)
      return { name, health: "fault", figure: "missing", problem: "There is no such topic.", href };
    return { name, health: "ok", figure: `${formatWhole(topic.perMinute)}/min`, problem: null, href };
  });
}

export const pathGroups: readonly string[] = Object.values(knownGroups);

function judgeGroups(groups: readonly GroupView[], mappings: Observations["mappings"]): readonly PathItem[] {
  return pathGroups.map((name) => {
    const href = `/groups#${encodeURIComponent(name)}`;
    const group = groups.find((each) => each.group === name);
    const mapping = mappings instanceof Error ? undefined : mappings.find((each) => each.group === name);
    if (group === undefined) {
      return { name, health: "fault", figure: "never read", problem: "No function has read as this group.", href };
    }
    const figure = `lag ${formatWhole(group.lag)}`;
    const problem = problemOf(group, mapping?.state);
    return {
      name,
      health: problem === null ? "ok" : problem[0],
      figure,
      problem: problem === null ? null : problem[1],
      href,
    };
  });
}

function problemOf(group: GroupView, state: string | undefined): [Health, string] | null {
  if (state === "failing") return ["fault", "A batch fails and is tried again: its function's log says why."];
  if (state === "paused") return ["fault", "Its event source mapping is paused."];
  if (group.members.length === 0 && group.state !== "PreparingRebalance") {
    return ["fault", "Nobody reads as this group: the functions do not run, or their mapping is off."];
  }
  if (group.lag > lagAttention) return ["attention", "It is behind what has been written."];
  return null;
}

function judgeAlerts({ lastMinute, delay }: AlertActivity): readonly PathItem[] {
  const figure = `${formatWhole(lastMinute)}/min`;
  const after =
    delay === null
      ? []
      : [
          {
            name: "commit → alert",
            health: "ok" as const,
            figure: `${formatDuration(delay.p50Ms)} p50`,
            problem: null,
            href: "/alerts",
          },
        ];
  return [{ name: "alerts", health: "ok", figure, problem: null, href: "/alerts" }, ...after];
}

function judgeFailedRecords(count: number): readonly PathItem[] {
  if (count === 0) return [];
  const problem = "Records that an agent could not judge were put aside.";
  return [
    { name: "failed records", health: "attention", figure: formatWhole(count), problem, href: "/failed-records" },
  ];
}
