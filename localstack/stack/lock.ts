import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { reasonOf, StackError } from "./errors.ts";
import { identify, isAlive, type ProcessIdentity, until } from "./processes.ts";
import type { Settings } from "./settings.ts";

/**
 * `command`: only one up, down or reset works on a stack at a time. `supervisor`: only one runs it.
 */
export type LockName = "command" | "supervisor";

/** The first `up` fetches some 150 MB; whoever comes meanwhile waits this long for it. */
const commandPatienceMs = 600_000;

export interface Lock {
  release(): void;
}

/**
 * Takes a lock for this process, or says who has it. A holder that ended, even by kill -9, no longer has it.
 *
 * The lock is a symbolic link whose target names its holder, because a link comes into being at once and whole. Its name
 * has a generation: a lock is never taken over by removing it, which two could do in turn, but by making the next one.
 */
export function tryLock(settings: Settings, name: LockName): Lock | ProcessIdentity {
  const self = identify(process.pid) as ProcessIdentity;
  for (;;) {
    mkdirSync(settings.home, { recursive: true });
    const last = newest(settings, name);
    if (last !== undefined && isAlive(last.holder)) return last.holder;
    const generation = (last?.generation ?? 0) + 1;
    if (!make(settings, name, generation, `${self.pid} ${self.startedAt}`)) continue; // Somebody was faster.
    removeUpTo(settings, name, generation - 1);
    return {
      release() {
        if (!existsSync(settings.home)) return; // `reset` removed it.
        if (make(settings, name, generation + 1, "free")) removeUpTo(settings, name, generation);
      },
    };
  }
}

/**
 * Runs `action` while no other tripline command works on this stack, waiting for one that does.
 * @throws {StackError} BUSY when that one does not come to an end
 */
export async function exclusively<T>(settings: Settings, action: () => Promise<T>): Promise<T> {
  let lock = tryLock(settings, "command");
  if (!isLock(lock)) {
    // Not to standard output, which belongs to the command's result.
    console.error(`Waiting for another tripline command (pid ${lock.pid}) to finish.`);
    await until(
      () => {
        lock = tryLock(settings, "command");
        return isLock(lock);
      },
      commandPatienceMs,
      100,
    );
  }
  if (!isLock(lock)) {
    throw new StackError(
      "BUSY",
      `Another tripline command (pid ${lock.pid}) has been working on this stack for ${commandPatienceMs / 60_000} minutes: end it with 'kill ${lock.pid}', then try again.`,
    );
  }
  try {
    return await action();
  } finally {
    lock.release();
  }
}

export function isLock(taken: Lock | ProcessIdentity): taken is Lock {
  return "release" in taken;
}

/** Files of locks, which `reset` leaves for last. */
export const isLockFile = (file: string): boolean => /^(command|supervisor)\.lock\.\d+$/.test(file);

function lockFile(settings: Settings, name: LockName, generation: number): string {
  return join(settings.home, `${name}.lock.${generation}`);
}

function generations(settings: Settings, name: LockName): number[] {
  if (!existsSync(settings.home)) return [];
  return readdirSync(settings.home)
    .filter((file) => isLockFile(file) && file.startsWith(`${name}.`))
    .map((file) => Number(file.split(".").at(-1)));
}

function newest(
  settings: Settings,
  name: LockName,
): { generation: number; holder: ProcessIdentity | undefined } | undefined {
  for (;;) {
    const all = generations(settings, name);
    if (all.length === 0) return undefined;
    const generation = Math.max(...all);
    try {
      const [, pid, startedAt] = /^(\d+) (.*)$/.exec(readlinkSync(lockFile(settings, name, generation))) ?? [];
      const holder = pid === undefined || startedAt === undefined ? undefined : { pid: Number(pid), startedAt };
      return { generation, holder };
    } catch {
      // Replaced by a newer one since: look again.
    }
  }
}

function make(settings: Settings, name: LockName, generation: number, target: string): boolean {
  try {
    symlinkSync(target, lockFile(settings, name, generation));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    // `reset` of the same moment took the folder away: as good as free, for whoever makes it again.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw new StackError("BUSY", `The lock in ${settings.home} could not be made: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function removeUpTo(settings: Settings, name: LockName, generation: number): void {
  for (const each of generations(settings, name)) {
    if (each <= generation) rmSync(lockFile(settings, name, each), { force: true });
  }
}
