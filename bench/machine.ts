import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { findJava } from "../localstack/stack/jars.ts";
import { projectRoot } from "../localstack/stack/settings.ts";
import { runToEnd } from "./children.ts";
import type { Machine } from "./results.ts";
import { rounded } from "./statistics.ts";

/** What the figures are measured on, and with: asked before anything is. */
export async function describeMachine(): Promise<Machine> {
  const found = (file: string, pattern: RegExp) =>
    pattern.exec(readFileSync(join(projectRoot, file), "utf8"))?.[1] ?? "unknown";
  const python = await runToEnd("python3", ["--version"]).catch(() => undefined);
  const java = await findJava().catch(() => undefined);
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    loadAverage: rounded(loadavg()[0] ?? 0),
    os: `${type()} ${release()}`,
    versions: {
      Node: process.versions.node,
      Java: java?.version ?? "none",
      Python: python?.output.trim().replace("Python ", "") ?? "none",
      Kafka: found("localstack/pom.xml", /<kafka.version>(.*)<\//),
      Debezium: found("localstack/pom.xml", /<debezium.version>(.*)<\//),
      "Kafka Streams": found("bench/peers/kafka-streams/pom.xml", /<kafka.version>(.*)<\//),
      "confluent-kafka": found("bench/peers/python/requirements.txt", /confluent-kafka==(.*)/),
      "kafka-python": found("bench/peers/python/requirements.txt", /kafka-python==(.*)/),
    },
  };
}
