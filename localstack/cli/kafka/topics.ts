import kafkajs from "kafkajs";
import { dim, printJson, table } from "../output.ts";
import { rangesOf, requireTopic, type ServerOption, withCluster } from "./cluster.ts";

const whole = new Intl.NumberFormat("en-US");

/** `tripline kafka topics`: what there is, and how many records are in it. */
export async function topics(options: ServerOption & { json?: boolean; all?: boolean }): Promise<void> {
  const listed = await withCluster(options, async ({ admin }) => {
    const names = (await admin.listTopics()).filter((name) => options.all || !isInternal(name)).sort();
    const found = await Promise.all(names.map(async (name) => ({ name, ranges: await rangesOf(admin, name) })));
    return found.map(({ name, ranges }) => ({
      name,
      partitions: ranges.length,
      records: ranges.reduce((sum, { low, high }) => sum + high - low, 0),
    }));
  });
  if (options.json) return printJson({ ok: true, topics: listed });
  const rows = listed.map(({ name, partitions, records }) => [name, String(partitions), whole.format(records)]);
  console.log(table([["topic", "partitions", "records"].map((title) => dim(title)), ...rows]));
}

/** Of Kafka, Connect and Debezium themselves. */
const isInternal = (name: string) => name.startsWith("_") || name.startsWith("connect-");

/** `tripline kafka describe TOPIC`: its partitions, and what is set otherwise than by default. */
export async function describe(options: ServerOption & { json?: boolean }, topic: string): Promise<void> {
  const { ranges, metadata, settings } = await withCluster(options, async ({ admin }) => {
    await requireTopic(admin, topic);
    const [ranges, { topics }, { resources }] = await Promise.all([
      rangesOf(admin, topic),
      admin.fetchTopicMetadata({ topics: [topic] }),
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
      }),
    ]);
    const entries = resources[0]?.configEntries ?? [];
    // What kafkajs calls a default is false for each; where a value comes from is a number: 1 is the topic's own.
    const own = entries.filter((entry) => Number(entry.configSource) === 1);
    const settings = Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue]));
    return { ranges, metadata: topics[0]?.partitions ?? [], settings };
  });
  const partitions = ranges.map((range) => {
    const of = metadata.find(({ partitionId }) => partitionId === range.partition);
    return { ...range, leader: of?.leader, replicas: of?.replicas ?? [], inSync: of?.isr ?? [] };
  });
  if (options.json) return printJson({ ok: true, topic, settings, partitions });
  const titles = ["partition", "leader", "replicas", "in sync", "first", "next", "records"];
  const rows = partitions.map(({ partition, leader, replicas, inSync, low, high }) => [
    ...[partition, leader ?? "none"].map(String),
    ...[replicas, inSync].map((ids) => ids.join(",")),
    ...[low, high, high - low].map((count) => whole.format(count)),
  ]);
  console.log(table([titles.map((title) => dim(title)), ...rows]));
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  console.log(lines.length > 0 ? lines.join("\n") : dim("No settings of its own."));
}
