import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { connectKafka } from "../../../shared/kafka/client.ts";
import { reasonOf, StackError } from "../errors.ts";
import { findJava, locateJars } from "../jars.ts";
import { loopback, type Settings } from "../settings.ts";
import type { Part } from "./part.ts";

const run = promisify(execFile);

/** What the broker is told wherever it runs. docker-compose.yml has the same settings. */
export const brokerSettings: Record<string, string | number | boolean> = {
  "process.roles": "broker,controller",
  "node.id": 1,
  "controller.listener.names": "CONTROLLER",
  // A misspelt topic should be an error, not a new topic.
  "auto.create.topics.enable": false,
  "offsets.topic.replication.factor": 1,
  "offsets.topic.num.partitions": 8,
  "transaction.state.log.replication.factor": 1,
  "transaction.state.log.num.partitions": 8,
  "transaction.state.log.min.isr": 1,
  "share.coordinator.state.topic.replication.factor": 1,
  "share.coordinator.state.topic.min.isr": 1,
  // A group of one need not wait for others to join.
  "group.initial.rebalance.delay.ms": 0,
  // After a kill -9 the controller refuses the broker until the session of its former self is over; Kafka's own 9 s are
  // meant for a cluster.
  "broker.session.timeout.ms": 4_000,
  "broker.heartbeat.interval.ms": 1_000,
  "log.segment.bytes": 268_435_456,
  "log.retention.hours": 168,
};

export const brokerHeap = ["-Xms256m", "-Xmx768m"];

function serverProperties(settings: Settings, folder: string): string {
  const { kafka, kafkaExternal, kafkaController } = settings.ports;
  return properties({
    ...brokerSettings,
    "controller.quorum.voters": `1@${loopback}:${kafkaController}`,
    listeners: `PLAINTEXT://${loopback}:${kafka},EXTERNAL://${loopback}:${kafkaExternal},CONTROLLER://${loopback}:${kafkaController}`,
    "advertised.listeners": `PLAINTEXT://${loopback}:${kafka},EXTERNAL://${loopback}:${kafkaExternal}`,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": join(folder, "data"),
  });
}

/** A file in Java's properties format; no value of ours has anything to escape. */
export function properties(values: Record<string, string | number | boolean>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/** What Java's servers log goes to their standard output, which the supervisor keeps in a file. */
export const log4jProperties = `status = warn
rootLogger.level = info
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %-5p %m (%c{1})%n%ex
logger.reflections.name = org.reflections
logger.reflections.level = error
logger.clients.name = org.apache.kafka.clients
logger.clients.level = warn
logger.config.name = org.apache.kafka.common.config
logger.config.level = warn
logger.jersey.name = org.glassfish.jersey
logger.jersey.level = error
logger.jetty.name = org.eclipse.jetty
logger.jetty.level = warn
`;

export const kafka: Part = {
  name: "kafka",
  title: "Kafka 4.3",
  ports: ({ ports }) => [ports.kafka, ports.kafkaExternal, ports.kafkaController],
  needs: [],
  stopSignal: "SIGTERM",
  async prepare(settings) {
    const [java, jars] = [await findJava(), await locateJars(settings)];
    const folder = join(settings.home, "kafka");
    await mkdir(folder, { recursive: true });
    const propertiesFile = join(folder, "server.properties");
    const log4j = join(folder, "log4j2.properties");
    await writeFile(propertiesFile, serverProperties(settings, folder));
    await writeFile(log4j, log4jProperties);
    if (!(await stat(join(folder, "data", "meta.properties")).catch(() => undefined))) {
      // Without meta.properties the folder was never finished: an interrupted first start.
      await rm(join(folder, "data"), { recursive: true, force: true });
      const clusterId = clusterIdOf(randomBytes(16));
      const format = [
        "-cp",
        jars.kafkaClasspath,
        "kafka.tools.StorageTool",
        "format",
        "-t",
        clusterId,
        "-c",
        propertiesFile,
      ];
      await run(java.command, ["-XX:TieredStopAtLevel=1", `-Dlog4j2.configurationFile=${log4j}`, ...format]).catch(
        (cause) => {
          throw new StackError("START_FAILED", `Kafka could not format ${folder}: ${reasonOf(cause)}`, { cause });
        },
      );
    }
    return {
      file: java.command,
      args: [
        ...brokerHeap,
        "-XX:+UseParallelGC",
        ...settings.jvmOptions,
        `-Dlog4j2.configurationFile=${log4j}`,
        "-cp",
        jars.kafkaClasspath,
        "kafka.Kafka",
        propertiesFile,
      ],
      cwd: folder,
    };
  },
  async check(settings) {
    const admin = connectKafka({
      bootstrapServers: settings.bootstrapServers,
      clientId: "tripline-check",
      retries: 0,
    }).admin();
    try {
      await admin.connect();
      const { brokers, controller } = await admin.describeCluster();
      if (brokers.length === 0 || controller === null) throw new Error("the broker has no controller yet");
    } finally {
      await admin.disconnect();
    }
  },
};

/** A cluster's id is 16 bytes in base64. One that began with a dash would be taken for an option by Kafka's own tools. */
export function clusterIdOf(bytes: Buffer): string {
  return bytes.toString("base64url").replace(/^-/, "_");
}
