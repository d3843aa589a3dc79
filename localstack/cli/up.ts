import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Listr, type ListrTask } from "listr2";
import { composeUp, findContainerEngine } from "../stack/containers.ts";
import { reasonOf, StackError } from "../stack/errors.ts";
import { fetchJars, findJava, locateJars } from "../stack/jars.ts";
import { exclusively } from "../stack/lock.ts";
import { endOrphans } from "../stack/orphans.ts";
import { awsIsInstalled, installAws } from "../stack/parts/aws.ts";
import { nativeParts } from "../stack/parts/index.ts";
import type { Part } from "../stack/parts/part.ts";
import { describeHolder, isPortFree, until } from "../stack/processes.ts";
import { paths, readSettings, type Settings } from "../stack/settings.ts";
import { type DeclarationName, readLiveState, readState, type StackState } from "../stack/state.ts";
import { bringDown } from "./down.ts";
import { dim, green, isTerminal, printJson, yellow } from "./output.ts";
import { abortOnSignals, throwIfInterrupted } from "./signals.ts";

export interface UpOptions {
  json?: boolean;
  containers?: boolean;
}

/** The stack has this long to answer; a first snapshot of a large table is not part of it. */
const readyTimeoutMs = 180_000;

/** `tripline up` */
export async function up(options: UpOptions): Promise<void> {
  const startedMs = Date.now();
  const settings = readSettings();
  const wasUp = readLiveState(settings) !== undefined;
  const signal = abortOnSignals();
  let state: StackState;
  try {
    state = await bringUp(settings, options, signal);
  } catch (error) {
    if (signal.aborted && !wasUp) await bringDown(settings);
    throw error;
  }
  const seconds = Number(((Date.now() - startedMs) / 1000).toFixed(1));
  if (options.json) {
    printJson({ ok: true, seconds, mode: state.mode, parts: state.parts });
    return;
  }
  const { ports } = settings;
  console.log(`${green("✔")} The stack answers after ${seconds} s`);
  console.log(
    dim(
      `  PostgreSQL ${ports.postgres} (postgres / postgrespw) · Kafka ${ports.kafka}, ${ports.kafkaExternal} · Connect ${ports.connect}` +
        (state.parts.aws?.state === "healthy" ? ` · AWS ${ports.aws}` : ""),
    ),
  );
  const halted = state.declared.connectors?.detail;
  if (halted) console.log(`${yellow("!")} halted by somebody, and left so: ${halted}`);
  if (state.parts.aws?.state === "absent") console.log(`${yellow("!")} no local AWS: ${state.parts.aws.detail}`);
}

/**
 * Starts what does not run yet and waits until everything answers.
 * @throws {StackError} with what is missing or in the way; INTERRUPTED when the signal comes, and what was started runs on
 */
export async function bringUp(settings: Settings, options: UpOptions, signal?: AbortSignal): Promise<StackState> {
  const run = (tasks: ListrTask[]) =>
    new Listr(tasks, {
      // Its own answer to Ctrl-C is to exit on the spot.
      registerSignalListeners: false,
      renderer: options.json ? "silent" : isTerminal ? "default" : "simple",
      // An error is said once, by whoever called.
      rendererOptions: { collapseSubtasks: false, showErrorMessage: false, timer: undefined } as never,
    }).run();
  await exclusively(settings, async () => {
    const running = readLiveState(settings);
    if (running === undefined || running.stopping)
      await run(untilInterrupted(await startTasks(settings, options), signal));
    else refuseOtherwise(settings, options, running);
  });
  await run([waitTask(settings, signal)]);
  const state = readLiveState(settings);
  if (state === undefined) throw supervisorEnded(settings);
  return state;
}

/** The tasks, none of which begins once the signal has come. */
function untilInterrupted(tasks: ListrTask[], signal: AbortSignal | undefined): ListrTask[] {
  return tasks.map((each) => ({
    ...each,
    task: async (context, task) => {
      throwIfInterrupted(signal);
      await each.task(context, task);
      throwIfInterrupted(signal);
    },
  }));
}

/** A stack that runs already is what was asked for, or has to go down first. */
function refuseOtherwise(settings: Settings, options: UpOptions, running: StackState): void {
  // A supervisor of before this was noted down does not say.
  if (running.portOffset !== undefined && running.portOffset !== settings.portOffset) {
    throw new StackError(
      "RUNS_OTHERWISE",
      `This stack runs already, with TRIPLINE_PORT_OFFSET=${running.portOffset}: use that, or 'npx tripline down' first. A second stack beside it needs a TRIPLINE_HOME of its own.`,
    );
  }
  if (options.containers && running.mode !== "containers") {
    throw new StackError("RUNS_OTHERWISE", "This stack runs already, natively: 'npx tripline down' first.");
  }
}

async function startTasks(settings: Settings, options: UpOptions): Promise<ListrTask[]> {
  await mkdir(paths(settings).logs, { recursive: true });
  const containers = options.containers === true || (await onlyContainersArePossible());
  const orphans: ListrTask = {
    title: "Leftovers of an earlier run",
    task: async (_, task) => {
      if (!(await until(() => readLiveState(settings) === undefined, 30_000))) {
        throw new StackError(
          "START_FAILED",
          "The stack is stopping and did not end within 30 s: try again, or 'npx tripline down'.",
        );
      }
      const ended = await endOrphans(settings);
      task.title =
        ended.length > 0 ? `Ended leftovers of an earlier run: ${ended.join(", ")}` : "No leftovers of an earlier run";
    },
  };
  if (containers) {
    return [
      orphans,
      {
        title: "Containers",
        task: async (_, task) =>
          composeUp(settings, (text) => {
            task.output = text;
          }),
      },
      { title: "Supervisor", task: () => startSupervisor(settings, "containers") },
    ];
  }
  await findJava();
  return [
    orphans,
    { title: "Ports are free", task: () => checkPorts(settings) },
    {
      title: "Kafka, Connect and Debezium",
      task: async (_, task) => {
        if ((await locateJars(settings)).complete) {
          task.title = "Kafka, Connect and Debezium are in the cache";
          return;
        }
        await fetchJars(settings, (text) => {
          task.output = text;
        });
      },
    },
    {
      title: "Local AWS",
      task: async (_, task) => {
        if (await awsIsInstalled(settings)) {
          task.title = "The local AWS is in the cache";
          return;
        }
        const problem = await installAws(settings, (text) => {
          task.output = text;
        });
        if (problem) task.title = `Local AWS: left out. ${problem.missing}`;
      },
    },
    { title: "Supervisor", task: () => startSupervisor(settings, "native") },
  ];
}

/** Without Java but with a container engine the choice is clear. */
async function onlyContainersArePossible(): Promise<boolean> {
  try {
    await findJava();
    return false;
  } catch (error) {
    if (error instanceof StackError && (await findContainerEngine()) !== undefined) return true;
    throw error;
  }
}

/** @throws {StackError} PORT_IN_USE */
export async function checkPorts(settings: Settings, parts: readonly Part[] = nativeParts): Promise<void> {
  for (const part of parts) {
    for (const port of part.ports(settings)) {
      if (await isPortFree(port)) continue;
      throw new StackError(
        "PORT_IN_USE",
        `Port ${port}, which ${part.title} needs, is held by ${describeHolder(port)}. ` +
          "Stop it, or move the whole stack with TRIPLINE_PORT_OFFSET=10000.",
      );
    }
  }
}

async function startSupervisor(settings: Settings, mode: StackState["mode"]): Promise<void> {
  mkdirSync(paths(settings).logs, { recursive: true });
  const log = openSync(paths(settings).log("supervisor"), "a");
  const args = [
    join(import.meta.dirname, "../stack/supervisor.ts"),
    ...(mode === "containers" ? ["--containers"] : []),
  ];
  // The settings at hand, which need not be those of this process's own environment.
  const env = {
    ...process.env,
    TRIPLINE_HOME: settings.home,
    TRIPLINE_CACHE: settings.cache,
    TRIPLINE_PORT_OFFSET: String(settings.portOffset),
  };
  const child = spawn(process.execPath, args, { detached: true, stdio: ["ignore", log, log], env });
  closeSync(log);
  child.unref();
  if (!(await until(() => readLiveState(settings) !== undefined, 10_000))) {
    throw new StackError(
      "START_FAILED",
      `The supervisor did not start: ${lastLine(paths(settings).log("supervisor"))}`,
    );
  }
}

function lastLine(file: string): string {
  try {
    return readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
  } catch (error) {
    return reasonOf(error);
  }
}

function supervisorEnded(settings: Settings): StackError {
  if (readState(settings)?.stopping) {
    return new StackError("NOT_RUNNING", "The stack was brought down while it started ('npx tripline down').");
  }
  const log = paths(settings).log("supervisor");
  return new StackError("START_FAILED", `The supervisor ended: ${lastLine(log)}. See ${log}`);
}

const declarationTitles: Record<DeclarationName, string> = {
  databases: "Databases and migrations",
  topics: "Topics",
  "aws resources": "SNS topic and queues",
  connectors: "Connectors",
};

/** A server that ends this often while it should come up will not come up. */
const failedStartsMax = 4;

interface Followed {
  state: string;
  detail?: string;
  restarts?: number;
}

function cannotStart(title: string, detail: string | undefined): StackError {
  return new StackError(
    "START_FAILED",
    `${title} cannot be started: ${detail ?? "it ends again and again"}. 'npx tripline logs' says more; 'npx tripline down' stops the rest.`,
  );
}

/** Follows the supervisor's report, a line for each part, until all of them are good. */
function waitTask(settings: Settings, signal: AbortSignal | undefined): ListrTask {
  const deadline = Date.now() + readyTimeoutMs;
  const follow = (title: string, look: (state: StackState) => Followed | undefined): ListrTask => ({
    title,
    task: async (_, task) => {
      let last: Followed | undefined;
      let shown: string | undefined;
      let restartsBefore: number | undefined;
      const done = await until(
        () => {
          throwIfInterrupted(signal);
          const state = readLiveState(settings);
          if (state === undefined) throw supervisorEnded(settings);
          last = look(state);
          restartsBefore ??= last?.restarts ?? 0;
          if (last?.state === "restarting" && (last.restarts ?? 0) - restartsBefore >= failedStartsMax) {
            throw cannotStart(title, last.detail);
          }
          const output = ["healthy", "done"].includes(last?.state ?? "") ? undefined : last?.detail;
          // Where the output is no terminal, each assignment is a line.
          if (output !== undefined && output !== shown) task.output = output;
          shown = output ?? shown;
          return last !== undefined && ["healthy", "done", "absent"].includes(last.state);
        },
        deadline - Date.now(),
        100,
      );
      if (last?.state === "absent") task.skip(`${title}: left out`);
      if (!done) {
        throw new StackError(
          "START_FAILED",
          `${title} does not answer after ${readyTimeoutMs / 1000} s${last?.detail ? `: ${last.detail}` : ""}. 'npx tripline logs' shows why.`,
        );
      }
    },
  });
  return {
    title: "Servers",
    task: (_, task) =>
      task.newListr(
        [
          ...nativeParts.map((part) => follow(part.title, (state) => state.parts[part.name])),
          ...(Object.keys(declarationTitles) as DeclarationName[]).map((name) =>
            follow(declarationTitles[name], (state) => state.declared[name]),
          ),
        ],
        { concurrent: true },
      ),
  };
}
