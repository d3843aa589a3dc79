import type { Admin } from "kafkajs";
import { StackError } from "../../stack/errors.ts";
import { dim, printJson, table, yellow } from "../output.ts";
import { rangesOf, type ServerOption, withCluster } from "./cluster.ts";

const whole = new Intl.NumberFormat("en-US");

interface Standing {
  readonly topic: string;
  readonly partition: number;
  /** null before the group's first commit here. */
  readonly committed: number | null;
  readonly end: number;
  readonly lag: number | null;
}

/** `tripline kafka groups [GROUP]`: who reads what, and how far behind. */
export async function groups(options: ServerOption & { json?: boolean }, group: string | undefined): Promise<void> {
  return withCluster(options, async ({ admin }) => {
    const ids = (await admin.listGroups()).groups
      .filter(({ protocolType }) => protocolType === "consumer" || protocolType === "")
      .map(({ groupId }) => groupId)
      .sort();
    if (group !== undefined && !ids.includes(group)) {
      throw new StackError("USAGE", `There is no group '${group}'. There are: ${ids.join(", ") || "none"}.`);
    }
    const described = (await admin.describeGroups(group === undefined ? ids : [group])).groups;
    const all = await Promise.all(
      described.map(async ({ groupId, state, members }) => ({
        group: groupId,
        state,
        members: members.length,
        partitions: await standingOf(admin, groupId),
      })),
    );
    all.sort((a, b) => a.group.localeCompare(b.group));
    if (options.json) return printJson({ ok: true, groups: all });
    const [one] = all;
    if (group !== undefined && one !== undefined) printOne(one.state, one.members, one.partitions);
    else printAll(all);
  });
}

async function standingOf(admin: Admin, groupId: string): Promise<Standing[]> {
  const committed = await admin.fetchOffsets({ groupId });
  const topics = await Promise.all(
    committed.map(async ({ topic, partitions }) => {
      const ranges = await rangesOf(admin, topic);
      return partitions.map(({ partition, offset }) => {
        const end = ranges.find((range) => range.partition === partition)?.high ?? 0;
        const at = Number(offset) < 0 ? null : Number(offset);
        return { topic, partition, committed: at, end, lag: at === null ? null : end - at };
      });
    }),
  );
  return topics.flat().sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
}

const lagOf = (partitions: readonly Standing[]) => partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0);

function printAll(all: readonly { group: string; state: string; members: number; partitions: Standing[] }[]): void {
  const rows = all.map(({ group, state, members, partitions }) => [
    group,
    state === "Stable" ? state : yellow(state),
    String(members),
    whole.format(lagOf(partitions)),
    [...new Set(partitions.map(({ topic }) => topic))].join(", "),
  ]);
  console.log(table([["group", "state", "members", "lag", "topics"].map((title) => dim(title)), ...rows]));
}

function printOne(state: string, members: number, partitions: readonly Standing[]): void {
  const number = (value: number | null) => (value === null ? "-" : whole.format(value));
  const rows = partitions.map(({ topic, partition, committed, end, lag }) => [
    topic,
    ...[partition, committed, end, lag].map(number),
  ]);
  console.log(table([["topic", "partition", "committed", "end", "lag"].map((title) => dim(title)), ...rows]));
  console.log(dim(`${state}, ${members} member${members === 1 ? "" : "s"}`));
}
