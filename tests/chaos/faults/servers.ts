import { execFileSync } from "node:child_process";
import { eventually } from "../../integration/stack.ts";
import type { System } from "../system.ts";
import type { Fault } from "./fault.ts";

/**
 * Longer than what whoever waits for it is patient: a member of a consumer group is out after 10 s (kafka-source.ts), PostgreSQL
 * gives a reader of its log up after 20 s (wal_sender_timeout).
 */
const frozenMs = { group: 12_000, walReader: 22_000 };

type Part = "postgres" | "kafka" | "connect" | "functions";

function kill(part: Part): Fault {
  return {
    name: `kill-${part}`,
    does: `kill -9 of ${part}; whoever looks after it starts it again`,
    touches: [part],
    lastsMs: [0, 0],
    strike: async (system) => {
      const pid = await pidOf(system, part);
      process.kill(pid, "SIGKILL");
      return async () => {
        await eventually(
          async () => (await pidOf(system, part)) !== pid || undefined,
          `${part} after its end`,
          120_000,
        );
      };
    },
  };
}

function freeze(part: Part, lastsMs: number): Fault {
  return {
    name: `freeze-${part}`,
    does: `SIGSTOP of ${part} with all its processes, then SIGCONT`,
    touches: [part],
    lastsMs: [lastsMs, lastsMs + 3_000],
    strike: async (system) => {
      const frozen = familyOf(await pidOf(system, part));
      // The parent first: it could otherwise notice its children.
      for (const pid of frozen) signal(pid, "SIGSTOP");
      return async () => {
        for (const pid of frozen.toReversed()) signal(pid, "SIGCONT");
      };
    },
  };
}

/** PostgreSQL takes the death of one of its sessions for damage to what they share: it ends all of them, and recovers. */
const killSession: Fault = {
  name: "kill-session",
  does: "kill -9 of one session of PostgreSQL, which ends all of them and recovers from its log",
  touches: ["postgres"],
  lastsMs: [0, 0],
  strike: async (system, dice) => {
    const sessions = familyOf(await pidOf(system, "postgres")).slice(1);
    signal(dice.pick(sessions) ?? 0, "SIGKILL");
    return async () => system.sql("PostgreSQL after its recovery", "select 1");
  },
};

async function pidOf(system: System, part: Part): Promise<number> {
  if (part === "functions") return eventually(() => system.hosts[0].pid(), "a process for the functions");
  return system.pidOf(part);
}

/** A process, its children, their children. */
export function familyOf(pid: number): number[] {
  const parents = new Map(
    execFileSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]),
  );
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    if (pid > 0) process.kill(pid, name);
  } catch {
    // It has ended since.
  }
}

export const servers: readonly Fault[] = [
  ...(["postgres", "kafka", "connect", "functions"] as const).map(kill),
  killSession,
  freeze("postgres", frozenMs.group),
  freeze("kafka", frozenMs.group),
  freeze("connect", frozenMs.walReader),
  freeze("functions", frozenMs.group),
];
