import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loopback } from "./settings.ts";

/**
 * A process that can be recognised again: a pid alone may have gone to somebody else since.
 * `startedAt` is opaque: clock ticks since boot on Linux, a date elsewhere.
 */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

const onLinux = process.platform === "linux";

/** What follows the command in /proc/PID/stat, proc(5): the process's state, and from then on numbers. */
export function procStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the command in parentheses and may hold spaces: what follows it is regular.
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Who has this pid now, or undefined when nobody has, or only a zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (onLinux) {
    const fields = procStat(pid);
    if (fields === undefined || fields[0] === "Z") return undefined;
    return { pid, startedAt: fields[19] ?? "" };
  }
  try {
    const startedAt = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return startedAt === "" ? undefined : { pid, startedAt };
  } catch {
    return undefined;
  }
}

export function isAlive(identity: ProcessIdentity | undefined): identity is ProcessIdentity {
  return identity !== undefined && identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Resident memory in bytes, children included; 0 when it cannot be read. */
export function residentBytes(pid: number): number {
  if (!onLinux) {
    try {
      return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }).trim()) * 1024;
    } catch {
      return 0;
    }
  }
  let bytes = 0;
  for (const each of [pid, ...descendants(pid)]) {
    try {
      // Pss counts a shared page once: PostgreSQL's processes share their buffers.
      const rollup = readFileSync(`/proc/${each}/smaps_rollup`, "utf8");
      bytes += Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024;
    } catch {
      // It ended while we looked.
    }
  }
  return bytes;
}

/** Children, their children, … on Linux. */
export function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (children === "") return [];
    return children.split(" ").flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return [];
  }
}

/** Ends a process: asks with `signal`, and after `patienceMs` no longer asks. True when it is gone. */
export async function endProcess(
  identity: ProcessIdentity,
  signal: NodeJS.Signals = "SIGTERM",
  patienceMs = 15_000,
): Promise<boolean> {
  const signalIt = (name: NodeJS.Signals) => {
    try {
      process.kill(identity.pid, name);
    } catch {
      // Already gone.
    }
  };
  if (!isAlive(identity)) return true;
  signalIt(signal);
  if (await until(() => !isAlive(identity), patienceMs)) return true;
  signalIt("SIGKILL");
  return until(() => !isAlive(identity), 5_000);
}

/** Polls until `condition` holds or `timeoutMs` have passed; the answer says which. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  intervalMs = 50,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (Date.now() >= deadline) return false;
    await sleep(intervalMs);
  }
}

/** True when nothing listens on this port of the loopback interface. */
export async function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: loopback, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The process that listens on a port, as well as this user may know it. */
export function portHolder(port: number): { pid: number; command: string } | undefined {
  const pid = onLinux ? holderFromProc(port) : holderFromLsof(port);
  if (pid === undefined) return undefined;
  try {
    const command = execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).trim();
    return { pid, command: command.length > 100 ? `${command.slice(0, 97)}...` : command };
  } catch {
    return { pid, command: "?" };
  }
}

/** Who listens on a port, in words. */
export function describeHolder(port: number): string {
  const holder = portHolder(port);
  return holder ? `pid ${holder.pid} (${holder.command})` : "a process of another user";
}

/** proc(5): /proc/net/tcp names the socket's inode, and the holder has a descriptor of that name. 0A is LISTEN. */
function holderFromProc(port: number): number | undefined {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const inodes = new Set<string>();
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    try {
      for (const line of readFileSync(table, "utf8").split("\n").slice(1)) {
        const fields = line.trim().split(/\s+/);
        if (fields[1]?.endsWith(`:${hexPort}`) && fields[3] === "0A" && fields[9]) inodes.add(`socket:[${fields[9]}]`);
      }
    } catch {
      // No such table (IPv6 off).
    }
  }
  if (inodes.size === 0) return undefined;
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    if (descriptorsOf(entry).some((descriptor) => inodes.has(descriptor))) return Number(entry);
  }
  return undefined;
}

/** What a process has open, as far as this user may know: nothing of somebody else's, or of one that has just ended. */
function descriptorsOf(pid: string): string[] {
  const orNothing = <Found>(look: () => Found[]) => {
    try {
      return look();
    } catch {
      return [];
    }
  };
  const folder = `/proc/${pid}/fd`;
  // One that is closed meanwhile hides none of the others.
  return orNothing(() => readdirSync(folder)).flatMap((name) => orNothing(() => [readlinkSync(join(folder, name))]));
}

function holderFromLsof(port: number): number | undefined {
  try {
    const pid = execFileSync("lsof", ["-nP", "-t", `-iTCP:${port}`, "-sTCP:LISTEN"], { encoding: "utf8" });
    return Number(pid.trim().split("\n")[0]);
  } catch {
    return undefined;
  }
}
