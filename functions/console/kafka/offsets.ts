import * as v from "valibot";
import {
  type DirectKafka,
  earliest,
  type Group,
  keyOf,
  latest,
  type TopicMetadata,
} from "../../../shared/kafka/direct.ts";
import { groups as knownGroups, topics } from "../../../shared/kafka/topics.ts";
import type { MappingView, OffsetResetResult } from "../api.ts";
import { ConsoleError } from "../http/errors.ts";
import { moment } from "../http/router.ts";
import type { Mappings } from "../mappings/mappings.ts";
import { type ConsoleKafka, findTopic } from "./kafka.ts";

const wholeOffset = v.pipe(v.number(), v.safeInteger("must be a whole number"), v.minValue(0, "must not be below 0"));

export const OffsetReset = v.object({
  topic: v.string(),
  partitions: v.optional(v.pipe(v.array(wholeOffset), v.minLength(1, "must name one partition at least"))),
  to: v.union(
    [v.picklist(["start", "end"]), v.strictObject({ time: moment }), v.strictObject({ offset: wholeOffset })],
    'must be "start", "end", {"time": …} or {"offset": …}',
  ),
  preview: v.boolean(),
});

export type OffsetReset = v.InferOutput<typeof OffsetReset>;

/** Where a group is in a partition, and what of the partition there is. */
export interface Standing {
  readonly partition: number;
  readonly start: number;
  readonly end: number;
  /** undefined before the first commit. */
  readonly committed: number | undefined;
  /** The first record at or after the time that was asked for; undefined where there is none. */
  readonly atTime?: number | undefined;
}

export interface Move {
  readonly partition: number;
  readonly from: number | null;
  readonly to: number;
  readonly again: number;
  /** Something that the group has not read is passed over; of a group without a commit, whatever is in front. */
  readonly passesOver: boolean;
  /** The offset that was asked for, where there is nothing at it. */
  readonly beyond: number | undefined;
}

/** Where each partition would go on, which is always somewhere in what there is. */
export function planMoves(standings: readonly Standing[], to: OffsetReset["to"]): Move[] {
  return standings.map(({ partition, start, end, committed, atTime }) => {
    const wanted = to === "start" ? start : to === "end" ? end : "offset" in to ? to.offset : (atTime ?? end);
    const target = Math.min(Math.max(wanted, start), end);
    return {
      partition,
      from: committed ?? null,
      to: target,
      again: committed === undefined ? 0 : committed - target,
      passesOver: target > (committed ?? start),
      beyond: target === wanted ? undefined : wanted,
    };
  });
}

const whole = new Intl.NumberFormat("en-US");
const count = (records: number) => (records === 1 ? "1 record" : `${whole.format(records)} records`);

/** What a move means, in sentences. */
export function consequencesOf(group: string, topic: string, moves: readonly Move[]): string[] {
  const again = moves.reduce((sum, move) => sum + Math.max(0, move.again), 0);
  const never = moves.reduce((sum, move) => sum + Math.max(0, -move.again), 0);
  const without = moves.filter(({ from }) => from === null).map(({ partition }) => partition);
  const beyond = moves.filter((move) => move.beyond !== undefined).map(({ partition }) => partition);
  return [
    ...(again > 0 ? [`${count(again)} will be read again.`] : []),
    ...(never > 0 ? [`${count(never)} will never be read by this group.`] : []),
    ...(again === 0 && never === 0 && without.length === 0 ? ["Nothing changes: the group is there already."] : []),
    ...(without.length > 0
      ? [
          `The group has committed nothing in ${partitionsNamed(without)}: it begins there with what comes from this offset on.`,
        ]
      : []),
    ...(beyond.length > 0
      ? [`In ${partitionsNamed(beyond)} there is nothing at this offset: the nearest is taken.`]
      : []),
    ...ofGroup(
      group,
      topic,
      again > 0,
      moves.some(({ passesOver }) => passesOver),
    ),
  ];
}

function partitionsNamed(partitions: readonly number[]): string {
  return `${partitions.length === 1 ? "partition" : "partitions"} ${partitions.join(", ")}`;
}

/** What the functions of this system do with records that come again, or do not come. */
function ofGroup(group: string, topic: string, isBack: boolean, isForward: boolean): string[] {
  const isAgent = group === knownGroups.profile || group === knownGroups.velocity;
  if (isAgent && topic === topics.transactions.name) {
    return [
      ...(isBack
        ? [
            "The agent knows how far it has judged (fraud.progress) and leaves out what is below: no alert comes twice, and nothing is judged anew.",
          ]
        : []),
      ...(isForward
        ? [
            "Transactions that the agent has not judged yet and that are passed over stay unjudged for ever, also when the group goes back later; they are counted in the metric RecordsSkipped, and a new snapshot of the table is the only way to get them judged.",
          ]
        : []),
    ];
  }
  if (group === knownGroups.forwarder && topic === topics.alerts.name) {
    return [
      ...(isBack ? ["Alerts that were forwarded are not sent again: fraud.forwarded has them."] : []),
      ...(isForward ? ["Alerts that are passed over are sent nowhere. They stay in fraud.alerts."] : []),
    ];
  }
  return [
    ...(isBack ? ["Whatever reads as this group gets these records a second time."] : []),
    ...(isForward ? ["Whatever reads as this group does not get what is passed over."] : []),
  ];
}

/** What reads as a group, of which nothing can be set while it does. */
export interface Readers {
  readonly members: number;
  readonly mapping: Pick<MappingView, "name" | "state"> | undefined;
  /** The mapping can be told to go on from elsewhere while it runs. */
  readonly canReplay: boolean;
}

export function obstacleOf({ members, mapping, canReplay }: Readers): string | null {
  if (members === 0 || (mapping !== undefined && canReplay)) return null;
  const who = members === 1 ? "a member reads" : `${members} members read`;
  const how = mapping === undefined ? "" : `: pause the mapping ${mapping.name} (it is ${mapping.state})`;
  return `stop its members first: ${who} as this group${how}`;
}

export interface OffsetResetOptions {
  readonly kafka: ConsoleKafka;
  readonly mappings: Mappings;
}

/** @throws {ConsoleError} NOT_FOUND, INVALID, or CONFLICT when it cannot be done now */
export async function resetOffsets(
  { kafka, mappings }: OffsetResetOptions,
  groupName: string,
  reset: OffsetReset,
): Promise<OffsetResetResult> {
  const { group, members, moves } = await kafka.use(async (direct) => {
    const [found, topic] = await Promise.all([findGroup(direct, groupName), findTopic(direct, reset.topic)]);
    const [[description], standings] = await Promise.all([
      direct.describe([found]),
      standingsOf(direct, found, topic, reset),
    ]);
    return {
      group: found,
      members: description?.members.length ?? 0,
      moves: planMoves(standings, reset.to),
    };
  });
  const mapping = members === 0 ? undefined : await mappingOf(mappings, groupName, reset.topic);
  const obstacle = obstacleOf({ members, mapping, canReplay: mappings.replay !== undefined });
  const result = {
    partitions: moves.map(({ partition, from, to, again }) => ({ partition, from, to, again })),
    consequences: consequencesOf(groupName, reset.topic, moves),
    obstacle,
  };
  if (reset.preview) return { applied: false, ...result };
  if (obstacle !== null) throw new ConsoleError("CONFLICT", `The offsets cannot be set now: ${obstacle}.`);
  const offsets = new Map(moves.map(({ partition, to }) => [partition, to]));
  if (mapping !== undefined && mappings.replay !== undefined) await mappings.replay(mapping.name, offsets);
  else await commit(kafka, group, reset.topic, offsets);
  return { applied: true, ...result };
}

async function findGroup(direct: DirectKafka, name: string): Promise<Group> {
  const group = (await direct.groups()).find((one) => one.group === name);
  if (group === undefined) throw new ConsoleError("NOT_FOUND", `There is no group '${name}'.`);
  if (group.protocolType === "consumer" || group.protocolType === "") return group;
  throw new ConsoleError("CONFLICT", `The group '${name}' reads no topics: it is one of ${group.protocolType}.`);
}

async function standingsOf(
  direct: DirectKafka,
  group: Group,
  { topic, partitions }: TopicMetadata,
  { partitions: wanted, to }: OffsetReset,
): Promise<Standing[]> {
  const missing = (wanted ?? []).filter((one) => !partitions.some(({ partition }) => partition === one));
  if (missing.length > 0) {
    throw new ConsoleError("INVALID", `partitions: '${topic}' has no partition ${missing.join(", ")}.`);
  }
  const moved = partitions
    .filter(({ partition }) => wanted === undefined || wanted.includes(partition))
    .map(({ partition }) => ({ topic, partition }));
  const [starts, ends, atTime, committed] = await Promise.all([
    direct.offsets(moved, earliest),
    direct.offsets(moved, latest),
    typeof to === "object" && "time" in to ? direct.offsets(moved, Math.max(0, to.time.getTime())) : undefined,
    direct.committed(group),
  ]);
  const committedAt = new Map(committed.map((one) => [keyOf(one), one.offset]));
  return moved.map((one) => {
    const key = keyOf(one);
    const [start, end] = [starts.get(key), ends.get(key)];
    if (start === undefined || end === undefined) {
      throw new ConsoleError("UNAVAILABLE", `Kafka: partition ${one.partition} of '${topic}' has no leader now.`);
    }
    return { partition: one.partition, start, end, committed: committedAt.get(key), atTime: atTime?.get(key) };
  });
}

/** Where the mappings cannot be asked, the members of the group are an obstacle all the same. */
async function mappingOf(mappings: Mappings, group: string, topic: string): Promise<MappingView | undefined> {
  try {
    return (await mappings.list({ fresh: true })).find((one) => one.group === group && one.topic === topic);
  } catch {
    return undefined;
  }
}

async function commit(
  kafka: ConsoleKafka,
  group: Group,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  await kafka.use(async (direct) => {
    try {
      await direct.commit(group, topic, offsets);
    } catch (error) {
      // Somebody has joined meanwhile.
      const type = error instanceof Error && "type" in error ? error.type : undefined;
      if (type !== "UNKNOWN_MEMBER_ID" && type !== "REBALANCE_IN_PROGRESS") throw error;
      throw new ConsoleError("CONFLICT", "The offsets cannot be set now: somebody has begun to read as this group.");
    }
  });
}
