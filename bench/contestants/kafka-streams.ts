// Kafka Streams: bench/peers/kafka-streams, where its own settings are. Exactly once, with its state in RocksDB and in changelog
// topics, its alerts in a topic.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Admin, Kafka } from "kafkajs";
import { findJava } from "../../localstack/stack/jars.ts";
import { paths, projectRoot } from "../../localstack/stack/settings.ts";
import { Child, runToEnd } from "../children.ts";
import { BenchError } from "../errors.ts";
import type { AgentName } from "../reference.ts";
import { createTopic, deleteTopics, type Topic } from "../topic.ts";
import type { Contestant, Drain, Ground, RunningDrain } from "./contestant.ts";

const project = join(projectRoot, "bench/peers/kafka-streams");

/** Of each agent: with half of it, both agents at once came to a standstill. */
const heapMegabytes = 512;

const jvm = (agents: number) => [
  `-Xms${agents * heapMegabytes}m`,
  `-Xmx${agents * heapMegabytes}m`,
  "-XX:+UseParallelGC",
  "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

export const kafkaStreams: Contestant = {
  name: "kafka-streams",
  title: "Kafka Streams",
  prepare: async (ground) => {
    await jarsOf(ground);
  },
  start,
};

/** Builds the project once; a changed one has a folder of its own. */
async function jarsOf({ settings, progress, signal }: Ground): Promise<string> {
  const hash = createHash("sha256");
  const files = (await readdir(project, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).sort()) hash.update(await readFile(file));
  const folder = join(settings.cache, `bench-kafka-streams-${hash.digest("hex").slice(0, 16)}`);
  const jars = join(folder, "jars");
  if (await stat(folder).catch(() => undefined)) return jars;
  const staging = `${folder}.${process.pid}`;
  progress("Maven builds the Kafka Streams application (about 90 MB at first)");
  try {
    const { code, output } = await runToEnd(
      "mvn",
      ["-B", "-ntp", "-q", "-f", join(project, "pom.xml"), "package", `-Dbench.directory=${staging}`],
      { signal },
    ).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new BenchError(
        "MISSING",
        "Kafka Streams is built with Maven and a JDK of 17 or newer, and there is no mvn. Debian or Ubuntu: 'apt-get install maven openjdk-17-jdk-headless'. '--only' leaves it out.",
        { cause },
      );
    });
    if (code !== 0) {
      const reason = output.split("\n").find((line) => line.includes("ERROR")) ?? `exit code ${code}`;
      throw new BenchError(
        "MISSING",
        `Maven could not build bench/peers/kafka-streams: ${reason}. It needs a JDK ('apt-get install openjdk-17-jdk-headless') and, the first time, the network.`,
      );
    }
    await rename(staging, folder);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return jars;
}

async function start(ground: Ground, drain: Drain): Promise<RunningDrain> {
  const { settings, kafka } = ground;
  const [java, jars] = [await findJava(), await jarsOf(ground)];
  const stateFolders = join(settings.home, "kafka-streams");
  const stateFolder = join(stateFolders, drain.id);
  // That of a run that was killed goes, too.
  await rm(stateFolders, { recursive: true, force: true });
  await mkdir(stateFolder, { recursive: true });
  const admin = kafka.admin();
  await admin.connect();
  const applicationId = (agent: AgentName) => `${drain.id}-${agent}`;
  const alertsTopic = (agent: AgentName) => `${applicationId(agent)}-alerts`;
  for (const agent of drain.agents) await createTopic(admin, alertsTopic(agent), drain.topic.partitions);
  const child = new Child("Kafka Streams", {
    command: java.command,
    args: [
      ...jvm(drain.agents.length),
      ...["-cp", join(jars, "*"), "tripline.bench.FraudStreams"],
      ...[settings.bootstrapServers, drain.topic.name, drain.id, stateFolder, ...drain.agents],
    ],
    logFile: paths(settings).log("kafka-streams"),
    onEvent: drain.onEvent,
  });
  return {
    processes: [child],
    // Committed in the transaction that holds the changelog and the alerts.
    done: () => Promise.all(drain.agents.map((agent) => committed(admin, applicationId(agent), drain.topic))),
    alerts: (agent) => alertsIn(kafka, admin, alertsTopic(agent)),
    end: async () => {
      await child.end();
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${drain.id}-`));
      await deleteTopics(admin, topics);
      await admin.disconnect();
      await rm(stateFolder, { recursive: true, force: true });
    },
  };
}

async function committed(admin: Admin, groupId: string, { name }: Topic): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [name] });
  return found?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0) ?? 0;
}

/** Longer than this it does not take to read a million small records. */
const readMsMax = 60_000;

/** What a consumer that sees only committed records finds in the topic. */
async function alertsIn(kafka: Kafka, admin: Admin, topic: string): Promise<number[]> {
  // Each transaction ends with a marker, which takes an offset and is never handed out: the last record is two before the end.
  const left = new Map(
    (await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, Number(high) - 2]),
  );
  for (const [partition, last] of left) if (last < 0) left.delete(partition);
  const ids: number[] = [];
  if (left.size === 0) return ids;
  const consumer = kafka.consumer({ groupId: `${topic}-reader` });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const read = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => read.reject(new BenchError("STALLED", `The alerts of Kafka Streams in ${topic} could not all be read.`)),
    readMsMax,
  );
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) ids.push(transactionIdIn(value));
      if (Number(batch.lastOffset()) >= (left.get(batch.partition) ?? Number.POSITIVE_INFINITY))
        left.delete(batch.partition);
      if (left.size === 0) read.resolve();
    },
  });
  await read.promise.finally(() => {
    clearTimeout(timer);
    return consumer.disconnect();
  });
  return ids;
}

function transactionIdIn(value: Buffer | null): number {
  return (JSON.parse(String(value)) as { transaction_id: number }).transaction_id;
}
