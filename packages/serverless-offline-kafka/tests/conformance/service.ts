import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { stripVTControlCharacters } from "node:util";
import type { Admin } from "kafkajs";
import { type Broker, freePorts } from "../support/broker.ts";
import { untilTrue } from "./wait.ts";

const FOLDER = join(import.meta.dirname, "service");
const SLS = join(import.meta.dirname, "../../../../node_modules/serverless/bin/serverless.js");
/** Of the functions in service/serverless.yml. */
const TOPICS = ["disabled", "exits", "rejects", "throttled", "throttled-too", "throws", "times-out"];

/** The service beside this file in a real `sls offline`, with worker threads as environments. */
export interface RunningService {
  /** Resolves when so many lines of its output have this text. */
  says(text: string, count?: number): Promise<void>;
  /** Its output so far: lines that have this text. */
  lines(text: string): readonly string[];
  stop(): Promise<void>;
}

export async function startService(broker: Broker, admin: Admin): Promise<RunningService> {
  await admin.createTopics({ topics: TOPICS.map((topic) => ({ topic, numPartitions: 1, replicationFactor: 1 })) });
  const ports = await freePorts(4);
  const options = ["http", "lambda", "websocket", "alb"].flatMap((name, i) => [`--${name}Port`, String(ports[i])]);
  const child = spawn(process.execPath, [SLS, "offline", "start", "--noSponsor", ...options], {
    cwd: FOLDER,
    // A group of its own, so that nothing of it is left behind.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS: "", BOOTSTRAP_SERVERS: broker.bootstrapServers, SLS_TELEMETRY_DISABLED: "1" },
  });
  const closed = once(child, "close");
  const signal = (name: NodeJS.Signals) => child.pid !== undefined && process.kill(-child.pid, name);
  const kill = () => signal("SIGKILL");
  process.once("exit", kill);

  const output: string[] = [];
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => output.push(stripVTControlCharacters(line)));
  }
  const lines = (text: string) => output.filter((line) => line.includes(text));
  return {
    lines,
    says: (text, count = 1) =>
      untilTrue(
        `the service says "${text}" ${count} times`,
        () => {
          if (lines(text).length >= count) return true;
          if (child.exitCode !== null) throw new Error(`the service has ended:\n${output.join("\n")}`);
          return false;
        },
        () => output,
      ),
    stop: async () => {
      process.off("exit", kill);
      if (child.exitCode === null) signal("SIGINT");
      await closed;
    },
  };
}
