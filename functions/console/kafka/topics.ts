import { type DirectKafka, earliest, keyOf, latest, type TopicMetadata } from "../../../shared/kafka/direct.ts";
import type { TopicPartition, TopicSummary, TopicView } from "../api.ts";
import { type ConsoleKafka, findTopic } from "./kafka.ts";

const minuteMs = 60_000;

/**
 * Sorted by name.
 *
 * @param names those that are looked at, for whoever asks often; all, when left out
 */
export function listTopics(kafka: ConsoleKafka, names?: readonly string[]): Promise<readonly TopicSummary[]> {
  return kafka.use(async (direct) => {
    const topics = await direct.topics(names);
    const figures = await figuresOf(direct, topics);
    return topics.map((topic) => summaryOf(topic, figures)).sort((a, b) => a.name.localeCompare(b.name));
  });
}

/** @throws {ConsoleError} NOT_FOUND */
export function findTopicView(kafka: ConsoleKafka, name: string): Promise<TopicView> {
  return kafka.use(async (direct) => {
    const topic = await findTopic(direct, name);
    const [figures, settings, groups] = await Promise.all([
      figuresOf(direct, [topic]),
      direct.settings(name),
      groupsOf(direct, name),
    ]);
    return {
      ...summaryOf(topic, figures),
      partitionList: topic.partitions.map(({ partition, leader, replicas, inSync }): TopicPartition => {
        const key = keyOf({ topic: name, partition });
        const end = figures.ends.get(key) ?? 0;
        const start = figures.starts.get(key) ?? end;
        return { partition, start, end, bytes: figures.sizes?.get(key) ?? null, leader, replicas, inSync };
      }),
      config: settings
        .map(({ name: setting, value, isDefault }) => ({ name: setting, value: value ?? "••••••••", isDefault }))
        .sort((a, b) => a.name.localeCompare(b.name)),
      groups,
    };
  });
}

async function groupsOf(direct: DirectKafka, topic: string): Promise<string[]> {
  const groups = await direct.groups();
  const read = await Promise.all(
    groups.map(async (group) => (await direct.committed(group)).some((one) => one.topic === topic)),
  );
  return groups
    .filter((_, index) => read[index])
    .map(({ group }) => group)
    .sort();
}

/** Of each partition, by keyOf. */
interface Figures {
  readonly starts: ReadonlyMap<string, number>;
  readonly ends: ReadonlyMap<string, number>;
  readonly minuteAgo: ReadonlyMap<string, number>;
  readonly sizes: ReadonlyMap<string, number> | undefined;
}

/** Four requests to each broker, however many topics there are. */
async function figuresOf(direct: DirectKafka, topics: readonly TopicMetadata[]): Promise<Figures> {
  const partitions = topics.flatMap(({ topic, partitions: own }) => own.map(({ partition }) => ({ topic, partition })));
  const [starts, ends, minuteAgo, sizes] = await Promise.all([
    direct.offsets(partitions, earliest),
    direct.offsets(partitions, latest),
    direct.offsets(partitions, Date.now() - minuteMs),
    direct.sizes(),
  ]);
  return { starts, ends, minuteAgo, sizes };
}

function summaryOf({ topic, partitions }: TopicMetadata, { starts, ends, minuteAgo, sizes }: Figures): TopicSummary {
  const keys = partitions.map(({ partition }) => keyOf({ topic, partition }));
  const sum = (figure: (key: string, end: number) => number) =>
    keys.reduce((total, key) => total + figure(key, ends.get(key) ?? 0), 0);
  return {
    name: topic,
    internal: topic.startsWith("__") || topic.startsWith("connect-"),
    partitions: partitions.length,
    records: sum((key, end) => end - (starts.get(key) ?? end)),
    // A partition in which nothing is as late as that has had nothing since.
    perMinute: sum((key, end) => Math.max(0, end - (minuteAgo.get(key) ?? end))),
    bytes: sizes === undefined ? null : sum((key) => sizes.get(key) ?? 0),
  };
}
