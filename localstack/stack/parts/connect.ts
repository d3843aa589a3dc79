import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findJava, locateJars } from "../jars.ts";
import { loopback, type Settings } from "../settings.ts";
import { log4jProperties, properties } from "./kafka.ts";
import type { Part } from "./part.ts";

/** What the worker is told wherever it runs. docker-compose.yml has the same settings. */
export const workerSettings: Record<string, string | number | boolean> = {
  "group.id": "tripline-connect",
  "key.converter": "org.apache.kafka.connect.json.JsonConverter",
  "value.converter": "org.apache.kafka.connect.json.JsonConverter",
  "config.storage.topic": "connect-configs",
  "config.storage.replication.factor": 1,
  "offset.storage.topic": "connect-offsets",
  "offset.storage.replication.factor": 1,
  "offset.storage.partitions": 4,
  "status.storage.topic": "connect-status",
  "status.storage.replication.factor": 1,
  "status.storage.partitions": 2,
  // A connector may set compression and batching of its producer.
  "connector.client.config.override.policy": "All",
  // What a killed worker sends again is what it had not noted down yet.
  "offset.flush.interval.ms": 1_000,
  // One worker: nobody else would take the tasks over, so do not wait five minutes for somebody to.
  "scheduled.rebalance.max.delay.ms": 0,
  "session.timeout.ms": 6_000,
  "heartbeat.interval.ms": 2_000,
};

export const workerHeap = ["-Xms256m", "-Xmx1g"];

function workerProperties(settings: Settings, plugins: string): string {
  return properties({
    ...workerSettings,
    "bootstrap.servers": settings.bootstrapServers,
    listeners: `http://${loopback}:${settings.ports.connect}`,
    "rest.advertised.host.name": loopback,
    "rest.advertised.port": settings.ports.connect,
    "plugin.path": plugins,
    // Debezium's archive declares its classes, so that Connect need not open every jar to find them.
    "plugin.discovery": "service_load",
  });
}

export const connect: Part = {
  name: "connect",
  title: "Kafka Connect with Debezium 3.7",
  ports: ({ ports }) => [ports.connect],
  needs: ["kafka"],
  stopSignal: "SIGTERM",
  async prepare(settings) {
    const [java, jars] = [await findJava(), await locateJars(settings)];
    const folder = join(settings.home, "connect");
    await mkdir(folder, { recursive: true });
    const propertiesFile = join(folder, "worker.properties");
    const log4j = join(folder, "log4j2.properties");
    await writeFile(propertiesFile, workerProperties(settings, jars.plugins));
    await writeFile(log4j, log4jProperties);
    return {
      file: java.command,
      args: [
        ...workerHeap,
        "-XX:+UseParallelGC",
        ...settings.jvmOptions,
        `-Dlog4j2.configurationFile=${log4j}`,
        "-cp",
        jars.kafkaClasspath,
        "org.apache.kafka.connect.cli.ConnectDistributed",
        propertiesFile,
      ],
      cwd: folder,
    };
  },
  async check(settings) {
    const response = await fetch(`${settings.connectUrl}/connector-plugins`, { signal: AbortSignal.timeout(3_000) });
    const plugins = (await response.json()) as { class?: string }[];
    if (!response.ok || !plugins.some((plugin) => plugin.class?.endsWith("PostgresConnector"))) {
      throw new Error(`Connect answers ${response.status} without Debezium's PostgreSQL connector`);
    }
  },
};
