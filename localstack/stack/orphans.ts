import { execFileSync } from "node:child_process";
import { nativeParts } from "./parts/index.ts";
import { postmasterPid } from "./parts/postgres.ts";
import { endProcess, identify, isAlive, type ProcessIdentity } from "./processes.ts";
import type { Settings } from "./settings.ts";
import { readState } from "./state.ts";

/**
 * Ends what a supervisor left running when it was killed: the processes of its last report, and the postmaster of our
 * data folder. A pid that was given to another process since is left alone.
 * Returns the names of what was ended.
 */
export async function endOrphans(settings: Settings): Promise<string[]> {
  const state = readState(settings);
  if (state !== undefined && isAlive(state.supervisor)) return [];
  const found: { name: string; process: ProcessIdentity; signal: NodeJS.Signals }[] = [];
  for (const part of nativeParts) {
    const process = state?.parts[part.name]?.process;
    if (isAlive(process)) found.push({ name: part.name, process, signal: part.stopSignal });
  }
  const postmaster = await postmasterPid(settings);
  const postmasterProcess = postmaster === undefined ? undefined : identify(postmaster);
  if (
    postmasterProcess &&
    commandOf(postmasterProcess.pid).includes("postgres") &&
    !found.some((each) => each.name === "postgres")
  ) {
    found.push({ name: "postgres", process: postmasterProcess, signal: "SIGINT" });
  }
  // Connect first, so that it does not complain about the broker that goes away beneath it.
  found.sort((a, b) => Number(b.name === "connect") - Number(a.name === "connect"));
  for (const each of found) await endProcess(each.process, each.signal);
  return found.map((each) => each.name);
}

function commandOf(pid: number): string {
  try {
    return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  } catch {
    return "";
  }
}
