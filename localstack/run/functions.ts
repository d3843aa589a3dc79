import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connectKafka } from "../../shared/kafka/client.ts";
import { groups } from "../../shared/kafka/topics.ts";
import { reasonOf, StackError } from "../stack/errors.ts";
import { endProcess, identify, isAlive, type ProcessIdentity } from "../stack/processes.ts";
import { consolePort, paths, projectRoot, type Settings } from "../stack/settings.ts";
import { readLiveState } from "../stack/state.ts";
import { requireFreePorts } from "./free-ports.ts";

/** The plugin lets running batches end for 30 s and then leaves its groups, which takes up to 10 s more. */
const stopPatienceMs = 45_000;
const restartDelayMs = 1_000;
const readyTimeoutMs = 90_000;

/**
 * Twice Node's default. An event is 6 MB of text that lives as long as its invocation: in 16 MB it is copied each time the garbage of
 * its neighbours is collected. With 32, four pairs of drains took 7 % less CPU time and 40 MB more, at about the same rate.
 */
export const nodeOptions = ["--max-semi-space-size=32"];

/** `sls offline` as a child that is started again when it ends by itself. Its output goes to functions.log. */
export class FunctionHost {
  readonly #settings: Settings;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #onTrouble: (message: string) => void;
  #child: ChildProcess | undefined;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(settings: Settings, environment: NodeJS.ProcessEnv, onTrouble: (message: string) => void) {
    this.#settings = settings;
    this.#environment = environment;
    this.#onTrouble = onTrouble;
  }

  async start(): Promise<void> {
    await endOrphanedFunctions(this.#settings);
    await requireFreePorts([
      this.#settings.ports.functionsLambda,
      this.#settings.ports.functionsAdmin,
      consolePort(this.#settings, readLiveState(this.#settings)?.mode),
    ]);
    this.#running = this.#keep();
  }

  async #keep(): Promise<void> {
    while (!this.#stopping) {
      const ended = await this.#runOnce();
      if (this.#stopping) return;
      this.#onTrouble(
        `The functions' process ${ended}; starting it again (see ${paths(this.#settings).log("functions")})`,
      );
      await sleep(restartDelayMs);
    }
  }

  async #runOnce(): Promise<string> {
    const output = openSync(paths(this.#settings).log("functions"), "a");
    const child = spawn(
      process.execPath,
      [...nodeOptions, join(projectRoot, "node_modules/serverless/bin/serverless.js"), "offline"],
      {
        cwd: projectRoot,
        env: { ...process.env, ...this.#environment },
        stdio: ["ignore", output, output],
        // Its own group: Ctrl-C reaches this process alone, which then stops things in order.
        detached: true,
      },
    );
    closeSync(output);
    this.#child = child;
    writeRecord(this.#settings, child.pid);
    return new Promise((resolve) => {
      child.once("error", (error) => resolve(`could not be started (${error.message})`));
      child.once("exit", (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`));
    });
  }

  /** Resolves when every consumer group of the system has its partitions. */
  async ready(signal: AbortSignal): Promise<void> {
    const admin = connectKafka({
      bootstrapServers: this.#settings.bootstrapServers,
      clientId: "tripline-start",
    }).admin();
    const deadline = Date.now() + readyTimeoutMs;
    await admin.connect();
    try {
      while (!signal.aborted) {
        const { groups: described } = await admin.describeGroups(Object.values(groups));
        if (described.every((group) => group.state === "Stable" && group.members.length > 0)) return;
        if (Date.now() > deadline) {
          throw new StackError(
            "START_FAILED",
            `The functions do not consume after ${readyTimeoutMs / 1000} s: see ${paths(this.#settings).log("functions")}`,
          );
        }
        await sleep(200);
      }
    } catch (error) {
      if (error instanceof StackError) throw error;
      throw new StackError("START_FAILED", `Kafka could not be asked for its groups: ${reasonOf(error)}`, {
        cause: error,
      });
    } finally {
      await admin.disconnect();
    }
  }

  /** Lets running batches end and their offsets be committed, then ends the process. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const pid = this.#child?.pid;
    const identity = pid === undefined ? undefined : identify(pid);
    if (identity) await endProcess(identity, "SIGINT", stopPatienceMs);
    await this.#running;
    // A host that never started anything must not take away the note of the one that did.
    if (this.#child) rmSync(recordFile(this.#settings), { force: true });
  }
}

/** Who runs the functions, so that a later run can end them when their owner was killed. */
interface FunctionsRecord {
  functions: ProcessIdentity;
  owner: ProcessIdentity;
}

function recordFile(settings: Settings): string {
  return join(settings.home, "functions.json");
}

function writeRecord(settings: Settings, pid: number | undefined): void {
  const [functions, owner] = [pid === undefined ? undefined : identify(pid), identify(process.pid)];
  if (functions === undefined || owner === undefined) return;
  writeFileSync(recordFile(settings), JSON.stringify({ functions, owner } satisfies FunctionsRecord));
}

/** Ends the functions' process of a run that was killed. True when there was one. */
export async function endOrphanedFunctions(settings: Settings): Promise<boolean> {
  let record: FunctionsRecord;
  try {
    record = JSON.parse(readFileSync(recordFile(settings), "utf8")) as FunctionsRecord;
  } catch {
    return false;
  }
  if (isAlive(record.owner) || !isAlive(record.functions)) return false;
  return endProcess(record.functions, "SIGINT", stopPatienceMs);
}

/** What the functions must know besides outputs.json; serverless.yml reads both. */
export function functionEnvironment(settings: Settings, webhookUrl: string): NodeJS.ProcessEnv {
  return {
    TRIPLINE_HOME: settings.home,
    ALERTS_WEBHOOK_URL: webhookUrl,
    // Colours and spinners are for terminals; this goes to a file.
    NO_COLOR: "1",
    CI: "true",
  };
}
