// All drains of a run, one after another on the same servers and the same topic.
import type { Kafka } from "kafkajs";
import type { Settings } from "../localstack/stack/settings.ts";
import { prepareKafkaJs } from "../packages/serverless-offline-kafka/src/kafka/kafka-client.ts";
import { connectKafka } from "../shared/kafka/client.ts";
import type { Contestant, Ground } from "./contestants/contestant.ts";
import { kafkaStreams } from "./contestants/kafka-streams.ts";
import { confluentPython, kafkaPython } from "./contestants/python.ts";
import { tripline } from "./contestants/tripline.ts";
import { type DrainResult, drain, isOfDrain } from "./drain.ts";
import type { Measurement, Plan } from "./options.ts";
import { type AgentName, type Reference, referenceOf } from "./reference.ts";
import { thousands, titles } from "./report.ts";
import { type DrainName, type Drains, drainNames, type Results } from "./results.ts";
import { startServers } from "./servers.ts";
import { deleteTopics, filledTopic, readIntoMemory, warmUpBroker } from "./topic.ts";

interface Step {
  readonly measurement: Measurement;
  readonly name: DrainName;
  readonly contestant: Contestant;
  readonly agents: readonly AgentName[];
  /** Drained in place of the whole topic: one with so many records. */
  readonly records?: number;
}

const one = ["profile"] as const;
const both = ["profile", "velocity"] as const;

/** The drains in their order: Tripline and Kafka Streams take turns in going first. */
export function stepsOf(plan: Plan): Step[] {
  const { handlerIn, pollers, profileFolder, rounds, roundsOfBoth } = plan;
  const options = { handlerIn, pollers, profileFolder, processes: "each" } as const;
  const alone = tripline(options);
  const steps: Step[] = [
    ...inTurns(
      rounds,
      { measurement: "tripline", name: "tripline", contestant: alone, agents: one },
      { measurement: "kafka-streams", name: "kafkaStreams", contestant: kafkaStreams, agents: one },
    ),
    ...inTurns(
      roundsOfBoth,
      { measurement: "both", name: "triplineBoth", contestant: alone, agents: both },
      { measurement: "both", name: "kafkaStreamsBoth", contestant: kafkaStreams, agents: both },
    ),
    { measurement: "confluent-kafka", name: "confluentPython", contestant: confluentPython, agents: one },
    {
      ...{ measurement: "kafka-python", name: "kafkaPython", contestant: kafkaPython, agents: one },
      records: plan.recordsOfKafkaPython,
    },
  ];
  if (!plan.quick) {
    if (handlerIn === "process") {
      const inWorkers = tripline({ ...options, handlerIn: "worker" });
      steps.push({ measurement: "tripline", name: "triplineWorkers", contestant: inWorkers, agents: one });
    }
    const inOneProcess = tripline({ ...options, processes: "one" });
    steps.push({ measurement: "both", name: "triplineBothOneProcess", contestant: inOneProcess, agents: both });
  }
  return steps.filter(({ measurement }) => plan.only.has(measurement));
}

function inTurns(rounds: number, ours: Step, theirs: Step): Step[] {
  return Array.from({ length: rounds }, (_, round) => (round % 2 === 0 ? [ours, theirs] : [theirs, ours])).flat();
}

export async function measureDrains({
  plan,
  settings,
  signal,
  progress,
}: {
  plan: Plan;
  settings: Settings;
  signal: AbortSignal;
  progress: (text: string) => void;
}): Promise<Pick<Results, "drains" | "topicBytes" | "ties" | "floatDifferences">> {
  const drains = Object.fromEntries(drainNames.map((name) => [name, []])) as unknown as Record<
    DrainName,
    DrainResult[]
  >;
  const steps = stepsOf(plan);
  if (steps.length === 0) return { drains, topicBytes: undefined, ties: 0, floatDifferences: 0 };
  prepareKafkaJs();
  const kafka = connectKafka({ bootstrapServers: settings.bootstrapServers, clientId: "tripline-bench" });
  const ground: Ground = { settings, kafka, signal, progress };
  for (const contestant of new Set(steps.map((step) => step.contestant))) await contestant.prepare(ground);
  progress("starting Kafka and PostgreSQL");
  const servers = await startServers(settings, { signal, progress });
  try {
    await removeLeftovers(kafka);
    const references = new Map<number, Reference>();
    let topicBytes: number | undefined;
    for (const [index, step] of steps.entries()) {
      signal.throwIfAborted();
      const records = step.records ?? plan.records;
      const topic = await filledTopic(settings, kafka, {
        ...{ records, seed: plan.seed, signal },
        progress: (done) => progress(`filling the topic: ${thousands(done)} of ${thousands(records)} change events`),
      });
      if (!references.has(records)) {
        progress("computing which alerts must come");
        references.set(records, referenceOf(plan.seed, records));
        const bytes = await readIntoMemory(settings, topic);
        await warmUpBroker(kafka, topic, signal);
        if (records === plan.records) topicBytes = bytes;
      }
      const title = `${index + 1}/${steps.length} ${titles[step.name]}`;
      progress(`${title}: starting`);
      drains[step.name].push(
        await drain({
          ...{ contestant: step.contestant, topic, agents: step.agents, servers, ground },
          reference: references.get(records) as Reference,
          onProgress: (done, rate) => progress(`${title}: ${thousands(done)} records, ${thousands(rate)}/s`),
        }),
      );
    }
    const { ties, floatDifferences } = references.get(plan.records) ?? { ties: 0, floatDifferences: 0 };
    return { drains: drains as Drains, topicBytes, ties, floatDifferences };
  } finally {
    progress("stopping Kafka and PostgreSQL");
    await servers.stop();
  }
}

/** Of a run that was killed. */
async function removeLeftovers(kafka: Kafka): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await deleteTopics(admin, (await admin.listTopics()).filter(isOfDrain));
  await admin.disconnect();
}
