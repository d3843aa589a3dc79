// One contestant drains a topic, and is measured from outside.
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant, Ground } from "./contestants/contestant.ts";
import { BenchError } from "./errors.ts";
import { type AgentName, agrees, type Comparison, type Reference } from "./reference.ts";
import type { Servers } from "./servers.ts";
import { type Look, secondHalfPerSecond } from "./statistics.ts";
import type { Topic } from "./topic.ts";
import { cpuSeconds, memoryPeakBytes } from "./usage.ts";

/** How often a contestant is asked how far it is: an end is noticed this much too late at most. */
const lookEveryMs = 50;
/** Java and both Pythons start within seconds, on a busy machine as well. */
const stallMsMax = 60_000;

export interface DrainResult {
  readonly contestant: string;
  readonly agents: readonly AgentName[];
  readonly records: number;
  /** From the start of the process to its first record. */
  readonly startUpSeconds: number;
  /** From the first record to the last one that is done for good, by the slower agent. */
  readonly seconds: number;
  /** Of each agent. */
  readonly recordsPerSecond: number;
  readonly secondHalfPerSecond: number;
  /** Of the contestant's processes from the first record to the last. */
  readonly cpuSeconds: number;
  /** For a million records of each agent: with two agents a record is counted twice. */
  readonly cpuSecondsPerMillion: number;
  readonly startUpCpuSeconds: number;
  readonly memoryPeakBytes: number;
  /** What the servers used meanwhile, which a contestant's own CPU does not show. */
  readonly brokerCpuSeconds: number;
  readonly postgresCpuSeconds: number;
  readonly alerts: Readonly<Partial<Record<AgentName, Comparison>>>;
  readonly alertsAgree: boolean;
}

export interface DrainOptions {
  readonly contestant: Contestant;
  readonly topic: Topic;
  readonly agents: readonly AgentName[];
  readonly reference: Reference;
  readonly servers: Servers;
  readonly ground: Ground;
  readonly onProgress: (done: number, recordsPerSecond: number) => void;
}

let drains = 0;

/** In the names of what a drain makes: groups, topics, files. */
function newDrainId(contestant: Contestant): string {
  drains += 1;
  return `drain-${Date.now()}-${drains}-${contestant.name}`;
}

/** Whether a topic was made by a drain, this one or an earlier one. */
export function isOfDrain(topic: string): boolean {
  return /^drain-\d+-/.test(topic);
}

export async function drain(options: DrainOptions): Promise<DrainResult> {
  const { agents, contestant, ground, reference, servers, topic } = options;
  const usage = () => ({
    atMs: performance.now(),
    broker: cpuSeconds(servers.broker.pid),
    postgres: cpuSeconds(servers.database.pid),
    own: running === undefined ? 0 : sum(running.processes.map(({ pid }) => cpuSeconds(pid))),
  });
  let first: ReturnType<typeof usage> | undefined;
  let running: Awaited<ReturnType<Contestant["start"]>> | undefined;
  const startedAtMs = performance.now();
  running = await contestant.start(ground, {
    topic,
    agents,
    id: newDrainId(contestant),
    onEvent: ({ event }) => {
      if (event === "first") first ??= usage();
    },
  });
  try {
    const looks: Look[] = [];
    let [memoryPeak, movedAtMs, before] = [0, performance.now(), 0];
    for (let done = 0; done < topic.records; ) {
      await sleep(lookEveryMs);
      ground.signal.throwIfAborted();
      for (const child of running.processes) await child.throwIfEnded();
      done = Math.min(...(await running.done()));
      const atMs = performance.now();
      looks.push({ atMs, count: done });
      memoryPeak = Math.max(memoryPeak, sum(running.processes.map(({ pid }) => memoryPeakBytes(pid))));
      if (done > before) [movedAtMs, before] = [atMs, done];
      if (atMs - movedAtMs > stallMsMax) {
        throw new BenchError(
          "STALLED",
          `${contestant.title} stands still at ${done} of ${topic.records} records: see ${ground.settings.home}/logs.`,
        );
      }
      options.onProgress(done, first === undefined ? 0 : (done * 1000) / (atMs - first.atMs));
    }
    const last = usage();
    const begin = first ?? last;
    const seconds = ((looks.at(-1)?.atMs ?? last.atMs) - begin.atMs) / 1000;
    const cpu = last.own - begin.own;
    const alerts: Partial<Record<AgentName, Comparison>> = {};
    for (const agent of agents) alerts[agent] = reference[agent].compare(await running.alerts(agent));
    return {
      contestant: contestant.name,
      agents,
      records: topic.records,
      startUpSeconds: (begin.atMs - startedAtMs) / 1000,
      seconds,
      recordsPerSecond: topic.records / seconds,
      secondHalfPerSecond: secondHalfPerSecond(looks, topic.records),
      cpuSeconds: cpu,
      cpuSecondsPerMillion: (cpu * 1e6) / (topic.records * agents.length),
      startUpCpuSeconds: begin.own,
      memoryPeakBytes: memoryPeak,
      brokerCpuSeconds: last.broker - begin.broker,
      postgresCpuSeconds: last.postgres - begin.postgres,
      alerts,
      alertsAgree: Object.values(alerts).every(agrees),
    };
  } finally {
    await running.end();
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
