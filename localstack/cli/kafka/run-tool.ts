import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StackError } from "../../stack/errors.ts";
import { fetchJars, findJava } from "../../stack/jars.ts";
import { readSettings, type Settings } from "../../stack/settings.ts";
import { readLiveState } from "../../stack/state.ts";
import { runInContainer, runInForeground } from "../foreground.ts";
import { classOf, needsServer, type ToolName, withServer } from "./tools.ts";

/** How containers reach the broker: docker-compose.yml has this listener. */
const serverInContainers = "kafka:19092";

/** The same step in the container of the broker. */
export function inContainer(tool: ToolName, args: readonly string[]): string[] {
  return [`/opt/kafka/bin/${tool}.sh`, ...withServer(tool, args, serverInContainers)];
}

/** Runs one of Kafka's own tools with its own options in whichever environment is up, and ends as it ends. */
export async function runTool(tool: ToolName, args: readonly string[]): Promise<void> {
  const settings = readSettings();
  const live = readLiveState(settings);
  if (live === undefined && needsServer(tool, args)) {
    throw new StackError(
      "NOT_RUNNING",
      `${tool} needs a broker, and the stack is not running: 'npx tripline up' starts it. For another broker, give --bootstrap-server.`,
    );
  }
  process.exitCode = await (live?.mode === "containers"
    ? runInContainer("kafka", inContainer(tool, args))
    : runHere(settings, tool, args));
}

/** What the tools say of themselves goes to standard error, as with Kafka's scripts: standard output is for results. */
const log4j = `status = error
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = [%d] %p %m (%c)%n
`;

async function runHere(settings: Settings, tool: ToolName, args: readonly string[]): Promise<number> {
  const [java, { kafkaClasspath }] = [await findJava(), await fetchJars(settings)];
  const folder = mkdtempSync(join(tmpdir(), "tripline-kafka-"));
  try {
    const file = join(folder, "log4j2.properties");
    writeFileSync(file, log4j);
    // A tool lives for a second: what takes long to warm up is of no use to it.
    const quickly = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-Xmx512m"];
    const main = ["-cp", kafkaClasspath, classOf(tool)];
    const options = withServer(tool, args, settings.bootstrapServers);
    return await runInForeground(java.command, [...quickly, `-Dlog4j2.configurationFile=${file}`, ...main, ...options]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
