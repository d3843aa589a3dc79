import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findJava, locateJars } from "../../localstack/stack/jars.ts";
import type { Settings } from "../../localstack/stack/settings.ts";

const run = promisify(execFile);

/** Kafka's own command line tools, by the classes that its scripts run. */
const tools = {
  "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
  "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
} as const;

const outputBytesMax = 64 * 1024 * 1024;

/** Runs one of them on this stack's broker; what it prints. It may end with 0 although it did nothing: look at what it says. */
export async function kafkaTool(settings: Settings, tool: keyof typeof tools, ...args: string[]): Promise<string> {
  const [java, { kafkaClasspath }] = [await findJava(), await locateJars(settings)];
  const { stdout } = await run(
    java.command,
    [
      "-XX:TieredStopAtLevel=1",
      "-Dlog4j2.level=OFF",
      "-cp",
      kafkaClasspath,
      tools[tool],
      "--bootstrap-server",
      settings.bootstrapServers,
      ...args,
    ],
    { maxBuffer: outputBytesMax },
  );
  return stdout;
}
