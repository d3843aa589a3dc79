// The two designs as a set of running processes, and what they use.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bringDown } from "../../localstack/cli/down.ts";
import { bringUp } from "../../localstack/cli/up.ts";
import { FunctionHost, functionEnvironment } from "../../localstack/run/functions.ts";
import { AlertReceiver } from "../../localstack/run/receiver.ts";
import { descendants } from "../../localstack/stack/processes.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import { readLiveState } from "../../localstack/stack/state.ts";
import { cpuSeconds, cpuSecondsWithoutChildren } from "../usage.ts";

/** Processes by what a person calls them. */
export type Processes = Readonly<Record<string, number>>;

/** The supervisor's children are counted for themselves. */
const withoutChildren: ReadonlySet<string> = new Set(["supervisor"]);

/** The product as it is: the stack, and the functions behind `sls offline`. */
export class Tripline {
  readonly #settings: Settings;
  readonly #receiver = new AlertReceiver(() => {});
  #host: FunctionHost | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  async startStack(signal: AbortSignal): Promise<void> {
    await bringUp(this.#settings, { json: true }, signal);
  }

  async startFunctions(signal: AbortSignal, onTrouble: (message: string) => void): Promise<void> {
    const webhook = await this.#receiver.start();
    this.#host = new FunctionHost(this.#settings, functionEnvironment(this.#settings, webhook), onTrouble);
    await this.#host.start();
    await this.#host.ready(signal);
    signal.throwIfAborted();
  }

  processes(): Processes {
    const state = readLiveState(this.#settings);
    const parts = Object.entries(state?.parts ?? {}).flatMap(([name, { process: found }]) =>
      found === undefined ? [] : [[name, found.pid] as const],
    );
    const { functions } = JSON.parse(readFileSync(join(this.#settings.home, "functions.json"), "utf8")) as {
      functions: { pid: number };
    };
    return {
      ...Object.fromEntries(parts),
      functions: functions.pid,
      ...(state === undefined ? {} : { supervisor: state.supervisor.pid }),
    };
  }

  async stop(): Promise<void> {
    await this.#host?.stop();
    await this.#receiver.stop();
    await bringDown(this.#settings);
  }
}

/** CPU seconds that each has used since it started. */
export function cpuOf(processes: Processes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => [
      name,
      withoutChildren.has(name) ? cpuSecondsWithoutChildren(pid) : cpuSeconds(pid),
    ]),
  );
}

/** Proportional set size of each, in bytes: a page that processes share counts once, PostgreSQL's buffers above all. */
export function memoryOf(processes: Processes): Record<string, number> {
  return Object.fromEntries(
    Object.entries(processes).map(([name, pid]) => {
      const pids = withoutChildren.has(name) ? [pid] : [pid, ...descendants(pid)];
      return [name, pids.reduce((bytes, each) => bytes + pssBytes(each), 0)];
    }),
  );
}

function pssBytes(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    // It ended while we looked.
    return 0;
  }
}

export function total(byName: Readonly<Record<string, number>>): number {
  return Object.values(byName).reduce((sum, each) => sum + each, 0);
}

const memoryEveryMs = 2_000;

/** Watches memory from now on; the largest sum that was seen, with its parts. */
export class MemoryWatch {
  #largest: Record<string, number> = {};
  readonly #timer: NodeJS.Timeout;

  constructor(processes: () => Processes) {
    const look = () => {
      const now = memoryOf(processes());
      if (total(now) > total(this.#largest)) this.#largest = now;
    };
    look();
    this.#timer = setInterval(look, memoryEveryMs);
  }

  end(): Readonly<Record<string, number>> {
    clearInterval(this.#timer);
    return this.#largest;
  }
}
