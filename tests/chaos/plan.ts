import type { Dice } from "./dice.ts";
import type { Fault } from "./faults/index.ts";

/** A fault, with all that chance has to say about it. */
export interface Strike {
  readonly fault: Fault;
  /** After the start of its step. */
  readonly afterMs: number;
  readonly lastsMs: number;
  /** What it throws its own dice with. */
  readonly seed: number;
}

/** Faults that overlap, followed by recovery. */
export type Step = readonly Strike[];

const strikesPerStepMax = 3;
const afterMsMax = 4_000;

/** Each fault alone, in the order given. */
export function each(faults: readonly Fault[], dice: Dice): Step[] {
  return faults.map((fault) => [strikeOf(fault, 0, dice)]);
}

/** One to three faults that do not touch the same part. */
export function random(faults: readonly Fault[], dice: Dice): Step {
  const strikes: Strike[] = [];
  const touched = new Set<string>();
  for (let left = dice.between(1, strikesPerStepMax); left > 0; left--) {
    const possible = faults.filter(
      (fault) => !fault.touches.some((part) => touched.has(part)) && !strikes.some((strike) => strike.fault === fault),
    );
    const fault = dice.pick(possible);
    if (fault === undefined) break;
    for (const part of fault.touches) touched.add(part);
    strikes.push(strikeOf(fault, strikes.length === 0 ? 0 : dice.between(0, afterMsMax), dice));
  }
  return strikes;
}

function strikeOf(fault: Fault, afterMs: number, dice: Dice): Strike {
  return { fault, afterMs, lastsMs: dice.between(...fault.lastsMs), seed: dice.between(0, 2 ** 31 - 1) };
}

export function nameOf(step: Step): string {
  return step.map(({ fault }) => fault.name).join(" + ");
}
