import kafkajs from "kafkajs";
import {
  type DirectKafka,
  earliest,
  type Group,
  type GroupMember,
  keyOf,
  latest,
  type TopicMetadata,
} from "../../../shared/kafka/direct.ts";
import type { GroupPartition, GroupView } from "../api.ts";
import type { Mappings } from "../mappings/mappings.ts";
import type { ConsoleKafka } from "./kafka.ts";

/** A group is shown without its mapping rather than late. */
const mappingsMsMax = 1_000;

/**
 * Sorted by name.
 *
 * @param names those that are looked at, for whoever asks often; all, when left out
 */
export async function listGroups(
  kafka: ConsoleKafka,
  mappings: Mappings,
  names?: readonly string[],
): Promise<readonly GroupView[]> {
  const reading = kafka.use((direct) => readGroups(direct, names));
  const [readings, mappingOf] = await Promise.all([reading, mappingsByGroup(mappings)]);
  return readings
    .map((reading) => viewOf(reading, mappingOf.get(reading.group) ?? null))
    .sort((a, b) => a.group.localeCompare(b.group));
}

/** What is known of a group. */
export interface GroupReading {
  readonly group: string;
  readonly state: string;
  readonly members: readonly (Pick<GroupMember, "clientId" | "host"> & { readonly partitions: readonly string[] })[];
  readonly partitions: readonly GroupPartition[];
}

async function readGroups(direct: DirectKafka, only?: readonly string[]): Promise<GroupReading[]> {
  const [all, topics] = await Promise.all([direct.groups(), direct.topics()]);
  const groups = only === undefined ? all : all.filter(({ group }) => only.includes(group));
  const [described, committed] = await Promise.all([
    direct.describe(groups),
    Promise.all(groups.map((group) => direct.committed(group))),
  ]);
  const known = new Map(topics.map((topic) => [topic.topic, topic]));
  const read = groups.map((group, index) => {
    const { state = "Unknown", members = [] } = described.find((one) => one.group === group.group) ?? {};
    const assigned = members.map(({ clientId, host, assignment }) => ({
      ...{ clientId, host },
      partitions: partitionsOf(group, assignment),
    }));
    const offsets = committed[index] ?? [];
    const names = [...offsets, ...assigned.flatMap(({ partitions }) => partitions)].map(({ topic }) => topic);
    return { group: group.group, state, members: assigned, offsets, topics: topicsNamed(known, names) };
  });
  const names = read.flatMap((one) => one.topics.map(({ topic }) => topic));
  const partitions = allPartitions(topicsNamed(known, names));
  const [starts, ends] = await Promise.all([direct.offsets(partitions, earliest), direct.offsets(partitions, latest)]);
  return read.map(({ group, state, members, offsets, topics: own }) => {
    const committedAt = new Map(offsets.map((one) => [keyOf(one), one.offset]));
    return {
      ...{ group, state },
      members: members.map(({ partitions, ...member }) => ({ ...member, partitions: partitions.map(keyOf) })),
      partitions: allPartitions(own).map((one) => {
        const key = keyOf(one);
        return partitionOf(one, committedAt.get(key), starts.get(key), ends.get(key));
      }),
    };
  });
}

/** Those that there are of these, each once; a group keeps the offsets of a topic that was deleted. */
function topicsNamed(known: ReadonlyMap<string, TopicMetadata>, names: readonly string[]): TopicMetadata[] {
  return [...new Set(names)].sort().flatMap((name) => known.get(name) ?? []);
}

function allPartitions(topics: readonly TopicMetadata[]) {
  return topics.flatMap(({ topic, partitions }) => partitions.map(({ partition }) => ({ topic, partition })));
}

function partitionOf(
  one: { readonly topic: string; readonly partition: number },
  committed: number | undefined,
  start: number | undefined,
  end: number | undefined,
): GroupPartition {
  // What has never been committed begins where the topic does, as the mappings of this system do. Retention may have taken what was committed.
  const from = Math.max(committed ?? 0, start ?? 0);
  return {
    ...one,
    committed: committed ?? null,
    // Without a leader nobody knows the end; there is nothing to read either.
    end: end ?? committed ?? 0,
    lag: end === undefined ? null : Math.max(0, end - from),
  };
}

function viewOf({ group, state, members, partitions }: GroupReading, mapping: string | null): GroupView {
  const lag = partitions.reduce((sum, one) => sum + (one.lag ?? 0), 0);
  return { group, state, members, lag, partitions, mapping };
}

/** What a member was given. Other than consumers have protocols of their own: the workers of Connect, for one. */
export function partitionsOf({ protocolType }: Pick<Group, "protocolType">, assignment: Buffer) {
  if (protocolType !== "consumer" || assignment.length === 0) return [];
  try {
    const decoded = kafkajs.AssignerProtocol.MemberAssignment.decode(assignment);
    return Object.entries(decoded?.assignment ?? {})
      .flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition })))
      .sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
  } catch {
    return [];
  }
}

async function mappingsByGroup(mappings: Mappings): Promise<ReadonlyMap<string, string>> {
  const { promise: late, resolve } = Promise.withResolvers<[]>();
  const timer = setTimeout(() => resolve([]), mappingsMsMax);
  try {
    const all = await Promise.race([mappings.list(), late]);
    return new Map(all.map(({ group, name }) => [group, name]));
  } catch {
    return new Map();
  } finally {
    clearTimeout(timer);
  }
}
