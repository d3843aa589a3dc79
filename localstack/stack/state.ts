import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { PartName } from "./parts/part.ts";
import { isAlive, type ProcessIdentity } from "./processes.ts";
import { paths, type Settings } from "./settings.ts";

export type PartState = "waiting" | "starting" | "healthy" | "restarting" | "absent" | "stopped";

export interface PartReport {
  state: PartState;
  /** Why it is in this state, where that needs saying. */
  detail?: string;
  process?: ProcessIdentity;
  /** Times it was started again after it ended by itself. */
  restarts: number;
  startedAtMs?: number;
}

/** What must exist beyond running servers, in the order in which `up` shows it. */
export const declarations = ["databases", "topics", "aws resources", "connectors"] as const;
export type DeclarationName = (typeof declarations)[number];

/** What the supervisor says of the stack. Written by it alone, whole, whenever something changes. */
export interface StackState {
  supervisor: ProcessIdentity;
  mode: "native" | "containers";
  portOffset?: number;
  parts: Partial<Record<PartName, PartReport>>;
  declared: Partial<Record<DeclarationName, { state: "waiting" | "done" | "failed" | "absent"; detail?: string }>>;
  /** Everything answers and everything declared exists. */
  ready: boolean;
  stopping: boolean;
}

export function readState(settings: Settings): StackState | undefined {
  try {
    return JSON.parse(readFileSync(paths(settings).state, "utf8")) as StackState;
  } catch {
    return undefined;
  }
}

/** The state of a supervisor that is alive, or undefined. */
export function readLiveState(settings: Settings): StackState | undefined {
  const state = readState(settings);
  return state !== undefined && isAlive(state.supervisor) ? state : undefined;
}

/** Readers see the old text or the new one, never half of it. */
export function writeState(settings: Settings, state: StackState): void {
  const file = paths(settings).state;
  writeFileSync(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}
