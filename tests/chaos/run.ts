import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "./dice.ts";
import { nameOf, type Step, type Strike } from "./plan.ts";
import { type Recovery, recover } from "./recovery.ts";
import type { System } from "./system.ts";

/** Before each step: faults hit a system at work. */
const breathMs = 2_000;

export interface StepResult extends Recovery {
  name: string;
  /** From the first fault to the end of the last one. */
  hurtMs: number;
}

/**
 * Hurts the system as the step says, lets it recover, and audits it. Undefined once the signal has come: then the rest is left out, but
 * nothing stays frozen or cut off.
 */
export async function play(system: System, step: Step, signal?: AbortSignal): Promise<StepResult | undefined> {
  system.load.start();
  await pause(breathMs, signal);
  const startMs = Date.now();
  const hits = await Promise.allSettled(step.map((strike) => hit(system, strike, signal)));
  const hurtMs = Date.now() - startMs;
  if (signal?.aborted) return undefined;
  for (const result of hits) if (result.status === "rejected") throw result.reason;
  const recovery = await recover(system, signal);
  return signal?.aborted ? undefined : { name: nameOf(step), hurtMs, ...recovery };
}

async function hit(system: System, { fault, afterMs, lastsMs, seed }: Strike, signal?: AbortSignal): Promise<void> {
  await pause(afterMs, signal);
  if (signal?.aborted) return;
  const mend = await fault.strike(system, new Dice(seed));
  await pause(lastsMs, signal);
  await mend();
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
