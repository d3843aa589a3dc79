import type { Dice } from "../dice.ts";
import type { System } from "../system.ts";

/** Undoes a fault, or waits for what undoes it. */
export type Mend = () => Promise<void>;

export interface Fault {
  readonly name: string;
  /** What it does, in words. */
  readonly does: string;
  /** Faults that touch the same part never overlap: one would undo the other. */
  readonly touches: readonly ("postgres" | "kafka" | "connect" | "functions" | "network" | "state")[];
  /** How long it lasts before it is mended: from, to. */
  readonly lastsMs: readonly [number, number];
  strike(system: System, dice: Dice): Promise<Mend>;
}

export const nothingToMend: Mend = async () => {};
