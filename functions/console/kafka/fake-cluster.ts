import {
  type DirectKafka,
  earliest,
  type Fetched,
  type FetchPosition,
  type Group,
  type GroupMember,
  keyOf,
  latest,
  type TopicMetadata,
  type TopicPartition,
} from "../../../shared/kafka/direct.ts";
import type { DirectRecord, RecordBatch } from "../../../shared/kafka/record-set.ts";
import type { ConsoleKafka, OutgoingMessage } from "./kafka.ts";

export interface FakeRecord {
  readonly offset: number;
  readonly timestamp?: number;
  readonly key?: string | null;
  readonly value?: string | Uint8Array | null;
}

export interface FakeGroup {
  readonly state?: string;
  readonly protocolType?: string;
  readonly members?: readonly GroupMember[];
  /** By keyOf. */
  readonly committed?: Readonly<Record<string, number>>;
}

/** Records are in batches of so many: Kafka sends whole ones. */
const batchLength = 3;

/** A cluster for unit tests, with what it was told. */
export class FakeCluster {
  readonly #partitions = new Map<string, { readonly start: number; readonly end: number; records: DirectRecord[] }>();
  readonly #groups = new Map<string, FakeGroup>();
  readonly commits: [group: string, topic: string, offsets: Map<number, number>][] = [];
  readonly written: OutgoingMessage[] = [];
  fetches = 0;
  commitError: Error | undefined;
  writeError: Error | undefined;

  /** `end` where it is not behind the last record, and `start` where it is not the first. */
  partition(
    topic: string,
    partition: number,
    records: readonly FakeRecord[],
    { start = records[0]?.offset ?? 0, end = (records.at(-1)?.offset ?? -1) + 1 } = {},
  ): this {
    const bytes = (text: string | Uint8Array | null) => (text === null ? null : Buffer.from(text));
    this.#partitions.set(keyOf({ topic, partition }), {
      ...{ start, end },
      records: records.map(({ offset, timestamp = offset, key = null, value = "" }) => ({
        ...{ offset, timestamp, headers: [] },
        ...{ key: bytes(key), value: bytes(value) },
      })),
    });
    return this;
  }

  group(name: string, group: FakeGroup): this {
    this.#groups.set(name, group);
    return this;
  }

  get kafka(): ConsoleKafka {
    return {
      use: <Result>(work: (direct: DirectKafka) => Promise<Result>) => work(this.direct),
      write: async (messages: readonly OutgoingMessage[]) => {
        if (this.writeError !== undefined) throw this.writeError;
        this.written.push(...messages);
        return messages.map(({ topic, partition }, index) => ({ topic, partition, offset: 100 + index }));
      },
    } as unknown as ConsoleKafka;
  }

  get direct(): DirectKafka {
    const { commits } = this;
    return {
      topics: async (names: readonly string[] = []) =>
        this.#topics().filter(({ topic }) => names.length === 0 || names.includes(topic)),
      offsets: async (partitions: readonly TopicPartition[], at: number) => this.#offsets(partitions, at),
      fetch: async (positions: readonly FetchPosition[], bytes: number) => this.#fetch(positions, bytes),
      sizes: async () => undefined,
      settings: async () => [],
      groups: async () =>
        [...this.#groups].map(
          ([group, { protocolType = "consumer" }]): Group => ({ group, protocolType, coordinator: 1 }),
        ),
      describe: async (groups: readonly Group[]) =>
        groups.map(({ group }) => {
          const { state = "Empty", members = [] } = this.#groups.get(group) ?? {};
          return { group, state, members };
        }),
      committed: async ({ group }: Group) =>
        Object.entries(this.#groups.get(group)?.committed ?? {}).map(([key, offset]) => ({
          ...partitionOf(key),
          offset,
        })),
      commit: async ({ group }: Group, topic: string, offsets: Map<number, number>) => {
        if (this.commitError !== undefined) throw this.commitError;
        commits.push([group, topic, offsets]);
      },
    } as unknown as DirectKafka;
  }

  #topics(): TopicMetadata[] {
    const byTopic = Map.groupBy([...this.#partitions.keys()].map(partitionOf), ({ topic }) => topic);
    return [...byTopic].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, leader: 1, replicas: [1], inSync: [1] })),
    }));
  }

  #offsets(partitions: readonly TopicPartition[], at: number): ReadonlyMap<string, number> {
    return new Map(
      partitions.flatMap((one): [string, number][] => {
        const log = this.#partitions.get(keyOf(one));
        const offset =
          at === earliest
            ? log?.start
            : at === latest
              ? log?.end
              : log?.records.find((each) => each.timestamp >= at)?.offset;
        return offset === undefined ? [] : [[keyOf(one), offset]];
      }),
    );
  }

  /** As Kafka does: the first partition that has something gives a batch, the others what fits; a record is a byte. */
  #fetch(positions: readonly FetchPosition[], bytes: number): ReadonlyMap<string, Fetched> {
    this.fetches += 1;
    let hasGiven = false;
    return new Map(
      positions.map((position): [string, Fetched] => {
        const { start = 0, end = 0, records = [] } = this.#partitions.get(keyOf(position)) ?? {};
        if (position.offset < start || position.offset > end) {
          return [keyOf(position), { batches: [], end, isOutOfRange: true }];
        }
        const batches = batchesOf(records).filter(({ nextOffset }) => nextOffset > position.offset);
        const fitting = Math.floor(bytes / batchLength);
        const given = batches.slice(0, hasGiven ? fitting : Math.max(1, fitting));
        hasGiven ||= given.length > 0;
        return [keyOf(position), { batches: given, end, isOutOfRange: false }];
      }),
    );
  }
}

function batchesOf(records: readonly DirectRecord[]): RecordBatch[] {
  return Array.from({ length: Math.ceil(records.length / batchLength) }, (_, index): RecordBatch => {
    const own = records.slice(index * batchLength, (index + 1) * batchLength);
    return {
      firstOffset: own[0]?.offset ?? 0,
      nextOffset: (own.at(-1)?.offset ?? -1) + 1,
      bytes: own.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
      records: async (from = 0, before = Number.POSITIVE_INFINITY) =>
        own.filter(({ offset }) => offset >= from && offset < before),
    };
  });
}

function partitionOf(key: string): TopicPartition {
  const dash = key.lastIndexOf("-");
  return { topic: key.slice(0, dash), partition: Number(key.slice(dash + 1)) };
}
