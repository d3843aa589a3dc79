// The broker and the PostgreSQL that the contestants are measured on: those of localstack, on ports and in a folder of their own.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkPorts } from "../localstack/cli/up.ts";
import { declareDatabases } from "../localstack/stack/declare.ts";
import { reasonOf } from "../localstack/stack/errors.ts";
import { fetchJars } from "../localstack/stack/jars.ts";
import { kafka } from "../localstack/stack/parts/kafka.ts";
import type { Part } from "../localstack/stack/parts/part.ts";
import { postgres, removeData } from "../localstack/stack/parts/postgres.ts";
import { paths, type Settings } from "../localstack/stack/settings.ts";
import { Child, tailOf } from "./children.ts";
import { BenchError } from "./errors.ts";

const startMsMax = 90_000;
const askAgainMs = 100;

export interface Servers {
  readonly broker: Child;
  readonly database: Child;
  stop(): Promise<void>;
}

/**
 * Starts both and waits until they answer. Kafka has the topics of earlier runs, which take long to fill; PostgreSQL begins anew, with the
 * tables of today's migrations.
 */
export async function startServers(
  settings: Settings,
  { signal, progress }: { signal: AbortSignal; progress: (text: string) => void },
): Promise<Servers> {
  await mkdir(paths(settings).logs, { recursive: true });
  await fetchJars(settings, progress);
  await checkPorts(settings, [kafka, postgres]);
  await removeData(settings);
  const started: Child[] = [];
  const stop = async () => {
    await Promise.all(started.map((child) => child.end(child.name === postgres.name ? "SIGINT" : "SIGTERM")));
  };
  try {
    const [broker, database] = await Promise.all(
      [kafka, postgres].map((part) => start(part, settings, started, signal)),
    );
    await declareDatabases(settings, () => {});
    return { broker: broker as Child, database: database as Child, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(part: Part, settings: Settings, started: Child[], signal: AbortSignal): Promise<Child> {
  const { file, ...command } = await part.prepare(settings);
  const logFile = join(paths(settings).logs, `${part.name}.log`);
  const child = new Child(part.name, { ...command, command: file, logFile });
  started.push(child);
  const deadlineMs = Date.now() + startMsMax;
  for (;;) {
    signal.throwIfAborted();
    try {
      await part.check(settings);
      return child;
    } catch (error) {
      if (child.hasEnded || Date.now() > deadlineMs) {
        throw new BenchError(
          "START_FAILED",
          `${part.title} does not answer (${child.hasEnded ? await child.ended : reasonOf(error)}):\n${tailOf(logFile)}`,
          { cause: error },
        );
      }
      await sleep(askAgainMs);
    }
  }
}
