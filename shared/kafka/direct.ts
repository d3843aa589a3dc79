import type { Kafka } from "kafkajs";
import Decoder from "kafkajs/src/protocol/decoder.js";
import errors from "kafkajs/src/protocol/error.js";
import protocol from "kafkajs/src/protocol/requests/index.js";
import { type Address, Brokers, isConnectionLost, type Prepare } from "./brokers.ts";
import { describeLogDirs } from "./log-dirs.ts";
import { type RecordBatch, splitRecordSet } from "./record-set.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** As text, for maps. No topic has a name from which another partition's text could come: the last dash divides. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

export interface TopicMetadata {
  readonly topic: string;
  /** In their order. */
  readonly partitions: readonly PartitionMetadata[];
}

export interface PartitionMetadata {
  readonly partition: number;
  /** -1: none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

/** For ListOffsets, where a moment would be. */
export const earliest = -2;
export const latest = -1;

export interface Fetched {
  /** Whole ones; none where the first one is larger than what was asked for, and where there is nothing. */
  readonly batches: readonly RecordBatch[];
  /** The offset that the next record will get. */
  readonly end: number;
  /** What was asked for is not there: it has expired, or the topic was made anew. */
  readonly isOutOfRange: boolean;
}

export interface FetchPosition extends TopicPartition {
  readonly offset: number;
}

export interface Group {
  readonly group: string;
  readonly protocolType: string;
  /** The broker that has to be asked about it. */
  readonly coordinator: number;
}

export interface GroupDescription {
  readonly group: string;
  readonly state: string;
  readonly members: readonly GroupMember[];
}

export interface GroupMember {
  readonly clientId: string;
  readonly host: string;
  /** What it was given, in the form of the group's protocol. */
  readonly assignment: Buffer;
}

export interface TopicSetting {
  readonly name: string;
  /** null: secret. */
  readonly value: string | null;
  readonly isDefault: boolean;
}

/** Kafka's numbers for its requests. */
const apiKeys = {
  Fetch: 1,
  ListOffsets: 2,
  Metadata: 3,
  OffsetCommit: 8,
  OffsetFetch: 9,
  DescribeGroups: 15,
  ListGroups: 16,
  DescribeConfigs: 32,
} as const;

const outOfRange = 1;
/** Somebody else leads the partition by now, or nobody, or it is gone: who it is has to be asked for anew. */
const staleLeader: readonly number[] = [3, 5, 6, 9, 56, 74, 75];

/** The version without sessions being needed, and with which nothing is flexible: brokers since 2.3 have it. */
const fetchVersion = 11;
/** Also what a transaction has not committed: this is for looking at what there is. */
const readUncommitted = 0;
const fetchBytesMax = 32 * 1_024 * 1_024;

const topicResource = 2;
/** Where a setting's value is from: the topic itself. What kafkajs calls a default is wrong from version 1 on. */
const setForTopic = 1;

/** How Kafka's own administration says that it is no member of the group. */
const noGeneration = -1;

/**
 * A cluster as it is, without a consumer group: what topics and groups there are, where they are, and the records from
 * any offset. It connects when first used; see Brokers for what happens when Kafka is away.
 */
export class DirectKafka {
  readonly #brokers: Brokers;
  readonly #leaders = new Map<string, number>();

  constructor(kafka: Kafka) {
    this.#brokers = new Brokers(kafka);
  }

  close(): Promise<void> {
    return this.#brokers.close();
  }

  /** Of the topics that there are, among these or all. */
  async topics(names: readonly string[] = []): Promise<TopicMetadata[]> {
    const answer = await this.#brokers.ask(
      "any",
      request<MetadataAnswer>("Metadata", { topics: names, allowAutoTopicCreation: false }),
    );
    this.#brokers.addresses = new Map(
      answer.brokers.map(({ nodeId, host, port }): [number, Address] => [nodeId, { host, port }]),
    );
    const found = answer.topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0);
    const topics = found.map(
      ({ topic, partitionMetadata }): TopicMetadata => ({
        topic,
        partitions: partitionMetadata
          .map(({ partitionId, leader, replicas, isr }) => ({ partition: partitionId, leader, replicas, inSync: isr }))
          .sort((a, b) => a.partition - b.partition),
      }),
    );
    for (const { topic, partitions } of topics) {
      for (const { partition, leader } of partitions) this.#leaders.set(keyOf({ topic, partition }), leader);
    }
    return topics;
  }

  /**
   * The first offset at or after a moment, or `earliest` or `latest`, by keyOf. Left out are partitions without a
   * leader, and those in which nothing is as late as that.
   */
  async offsets(partitions: readonly TopicPartition[], at: number): Promise<ReadonlyMap<string, number>> {
    const answers = await this.#askLeaders(partitions, async (broker, own) => {
      const topics = byTopic(own, ({ partition }) => ({ partition, timestamp: at }));
      const { responses } = await this.#brokers.ask(
        broker,
        request<ListOffsetsAnswer>("ListOffsets", { isolationLevel: readUncommitted, topics }),
      );
      return responses.flatMap(({ topic, partitions: all }) => all.map((one) => ({ ...one, topic })));
    });
    const found = answers.filter(({ errorCode, offset }) => errorCode === 0 && Number(offset) >= 0);
    return new Map(found.map((one) => [keyOf(one), Number(one.offset)]));
  }

  /**
   * What is there from these offsets on, without waiting for more; by keyOf.
   *
   * @param bytes of each partition; of those that a broker leads, one at least gives a batch even if it is larger
   * @throws when a partition has no leader
   */
  async fetch(positions: readonly FetchPosition[], bytes: number): Promise<ReadonlyMap<string, Fetched>> {
    const answers = await this.#askLeaders(positions, (broker, own) =>
      this.#brokers.ask(broker, fetchRequest(own, bytes)),
    );
    return new Map(
      answers.map(({ errorCode, ...partition }) => {
        const isOutOfRange = errorCode === outOfRange;
        if (errorCode !== 0 && !isOutOfRange) throw errors.createErrorFromCode(errorCode);
        return [keyOf(partition), { batches: splitRecordSet(partition.records), end: partition.end, isOutOfRange }];
      }),
    );
  }

  /**
   * What each partition takes on the brokers' disks, with its replicas, by keyOf; undefined where that cannot be known.
   */
  async sizes(): Promise<ReadonlyMap<string, number> | undefined> {
    try {
      const answers = await Promise.all(this.#brokers.ids.map((id) => this.#brokers.ask(id, describeLogDirs)));
      if (answers.length === 0 || !answers.every(({ isKnown }) => isKnown)) return undefined;
      const sizes = new Map<string, number>();
      for (const size of answers.flatMap((answer) => answer.sizes)) {
        sizes.set(keyOf(size), (sizes.get(keyOf(size)) ?? 0) + size.bytes);
      }
      return sizes;
    } catch {
      // A broker that is away has its share of the disks.
      return undefined;
    }
  }

  async settings(topic: string): Promise<TopicSetting[]> {
    const resources = [{ type: topicResource, name: topic }];
    const answer = await this.#brokers.ask(
      "any",
      request<DescribeConfigsAnswer>("DescribeConfigs", { resources, includeSynonyms: false }),
    );
    const [resource] = answer.resources;
    if (resource === undefined || resource.errorCode !== 0) throw errors.createErrorFromCode(resource?.errorCode ?? -1);
    return resource.configEntries.map(({ configName, configSource, configValue }) => ({
      name: configName,
      value: configValue,
      isDefault: configSource !== setForTopic,
    }));
  }

  /** Each broker names those groups that it coordinates, so nobody has to be asked who does. */
  async groups(): Promise<Group[]> {
    await this.#locate();
    const lists = await Promise.all(
      this.#brokers.ids.map(async (coordinator) => {
        const answer = await this.#brokers.ask(coordinator, request<ListGroupsAnswer>("ListGroups", {}));
        if (answer.errorCode !== 0) throw errors.createErrorFromCode(answer.errorCode);
        return answer.groups.map(({ groupId, protocolType }): Group => ({ group: groupId, protocolType, coordinator }));
      }),
    );
    return lists.flat();
  }

  async describe(groups: readonly Group[]): Promise<GroupDescription[]> {
    const described = await Promise.all(
      [...Map.groupBy(groups, ({ coordinator }) => coordinator)].map(async ([coordinator, own]) => {
        const groupIds = own.map(({ group }) => group);
        return this.#brokers.ask(coordinator, request<DescribeGroupsAnswer>("DescribeGroups", { groupIds }));
      }),
    );
    return described.flatMap((answer) =>
      answer.groups.map(({ groupId, state, members }) => ({
        group: groupId,
        state,
        members: members.map(({ clientId, clientHost, memberAssignment }) => ({
          clientId,
          host: clientHost.replace(/^\//, ""),
          assignment: memberAssignment,
        })),
      })),
    );
  }

  /** What a group has committed, in any topic. */
  async committed({ coordinator, group }: Group): Promise<(TopicPartition & { readonly offset: number })[]> {
    const answer = await this.#brokers.ask(
      coordinator,
      request<OffsetFetchAnswer>("OffsetFetch", { groupId: group, topics: [] }),
    );
    if (answer.errorCode !== undefined && answer.errorCode !== 0) throw errors.createErrorFromCode(answer.errorCode);
    return answer.responses.flatMap(({ topic, partitions }) =>
      partitions
        .filter(({ errorCode, offset }) => errorCode === 0 && Number(offset) >= 0)
        .map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) })),
    );
  }

  /**
   * Sets what a group has committed, as Kafka's own administration does: not as a member, so that the coordinator
   * refuses it while the group has some.
   *
   * @throws an error whose `type` is UNKNOWN_MEMBER_ID then
   */
  async commit({ coordinator, group }: Group, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }));
    const topics = [{ topic, partitions }];
    const answer = await this.#brokers.ask(
      coordinator,
      request<OffsetCommitAnswer>("OffsetCommit", {
        groupId: group,
        groupGenerationId: noGeneration,
        memberId: "",
        topics,
      }),
    );
    const failed = answer.responses.flatMap((response) => response.partitions).find(({ errorCode }) => errorCode !== 0);
    if (failed !== undefined) throw errors.createErrorFromCode(failed.errorCode);
  }

  /** Makes the brokers known, where no metadata has come yet. */
  async #locate(): Promise<void> {
    if (this.#brokers.ids.length === 0) await this.topics();
  }

  /**
   * Asks each leader for its own partitions, all at once; for those that it does not lead any more, their new leader,
   * once.
   */
  async #askLeaders<Item extends TopicPartition, Answer extends TopicPartition & { readonly errorCode: number }>(
    items: readonly Item[],
    ask: (broker: number, own: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<Answer[]> {
    const unknown = items.filter((item) => !this.#leaders.has(keyOf(item)));
    if (unknown.length > 0) await this.topics([...new Set(unknown.map(({ topic }) => topic))]);
    const answers = await this.#askOnce(items, ask).catch(async (error: unknown) => {
      // A broker that has gone, whose partitions others lead by now.
      if (!isConnectionLost(error)) throw error;
      await this.topics([...new Set(items.map(({ topic }) => topic))]);
      return this.#askOnce(items, ask);
    });
    const isStale = ({ errorCode }: Answer) => staleLeader.includes(errorCode);
    const stale = new Set(answers.filter(isStale).map(keyOf));
    if (stale.size === 0) return answers;
    const again = items.filter((item) => stale.has(keyOf(item)));
    await this.topics([...new Set(again.map(({ topic }) => topic))]);
    return [...answers.filter((answer) => !isStale(answer)), ...(await this.#askOnce(again, ask))];
  }

  async #askOnce<Item extends TopicPartition, Answer>(
    items: readonly Item[],
    ask: (broker: number, own: readonly Item[]) => Promise<readonly Answer[]>,
  ): Promise<Answer[]> {
    const byLeader = Map.groupBy(items, (item) => this.#leaders.get(keyOf(item)) ?? -1);
    // A partition without a leader has nobody to ask.
    byLeader.delete(-1);
    const answers = await Promise.all([...byLeader].map(([broker, own]) => ask(broker, own)));
    return answers.flat();
  }
}

/** A request that kafkajs has, in the newest version that it and the broker share. */
function request<Answer>(name: keyof typeof apiKeys, options: object): Prepare<Answer> {
  const definition = definitionOf(name);
  return (lookup) => lookup(apiKeys[name], definition)(options) as ReturnType<Prepare<Answer>>;
}

function definitionOf(name: keyof typeof apiKeys) {
  const definition = protocol.requests[name];
  if (definition === undefined) throw new Error(`kafkajs has no request ${name}`);
  return definition;
}

interface FetchedPartition extends TopicPartition {
  readonly errorCode: number;
  readonly end: number;
  readonly records: Buffer;
}

/** Encoded by kafkajs and decoded here: it would decode every record of every batch. */
function fetchRequest(positions: readonly FetchPosition[], bytes: number): Prepare<FetchedPartition[]> {
  const topics = byTopic(positions, ({ partition, offset }) => ({
    partition,
    fetchOffset: String(offset),
    maxBytes: bytes,
  }));
  const options = { isolationLevel: readUncommitted, maxWaitTime: 0, minBytes: 0, maxBytes: fetchBytesMax, topics };
  const { request: encoded } = definitionOf("Fetch").protocol({ version: fetchVersion })(options);
  return () => ({ request: encoded, response: { decode: async (answer) => decodeFetch(answer) } });
}

function decodeFetch(answer: Buffer): FetchedPartition[] {
  const decoder = new Decoder(answer);
  decoder.readInt32(); // how long the client was throttled
  const errorCode = decoder.readInt16();
  if (errorCode !== 0) throw errors.createErrorFromCode(errorCode);
  decoder.readInt32(); // no session
  const topics = decoder.readArray((topicDecoder) => {
    const topic = topicDecoder.readString() ?? "";
    return topicDecoder.readArray((partitionDecoder) => ({ topic, ...readPartition(partitionDecoder) }));
  });
  return topics.flat();
}

function readPartition(decoder: Decoder) {
  const partition = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const end = Number(decoder.readInt64());
  decoder.readInt64(); // up to where transactions are decided
  decoder.readInt64(); // the first offset
  decoder.readArray((transaction) => [transaction.readInt64(), transaction.readInt64()]);
  decoder.readInt32(); // a replica that is nearer
  return { partition, errorCode, end, records: decoder.readBytes() ?? Buffer.alloc(0) };
}

function byTopic<Item extends TopicPartition, Entry>(items: readonly Item[], entryOf: (item: Item) => Entry) {
  return [...Map.groupBy(items, ({ topic }) => topic)].map(([topic, own]) => ({ topic, partitions: own.map(entryOf) }));
}

// What kafkajs makes of the answers, as far as it is read here.

interface MetadataAnswer {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly partitionMetadata: readonly {
      readonly partitionId: number;
      readonly leader: number;
      readonly replicas: readonly number[];
      readonly isr: readonly number[];
    }[];
  }[];
}

interface PartitionAnswer {
  readonly partition: number;
  readonly errorCode: number;
}

interface ByTopic<Partition> {
  readonly responses: readonly { readonly topic: string; readonly partitions: readonly Partition[] }[];
}

type ListOffsetsAnswer = ByTopic<PartitionAnswer & { readonly offset: string }>;
type OffsetFetchAnswer = ByTopic<PartitionAnswer & { readonly offset: string }> & { readonly errorCode?: number };
type OffsetCommitAnswer = ByTopic<PartitionAnswer>;

interface ListGroupsAnswer {
  readonly errorCode: number;
  readonly groups: readonly { readonly groupId: string; readonly protocolType: string }[];
}

interface DescribeGroupsAnswer {
  readonly groups: readonly {
    readonly groupId: string;
    readonly state: string;
    readonly members: readonly {
      readonly clientId: string;
      readonly clientHost: string;
      readonly memberAssignment: Buffer;
    }[];
  }[];
}

interface DescribeConfigsAnswer {
  readonly resources: readonly {
    readonly errorCode: number;
    readonly configEntries: readonly {
      readonly configName: string;
      readonly configValue: string | null;
      readonly configSource: number;
    }[];
  }[];
}
