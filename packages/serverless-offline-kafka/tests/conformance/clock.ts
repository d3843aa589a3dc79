import type { Clock } from "../../src/delivery/contract.ts";
import { lookEveryMs } from "../../src/delivery/scaling.ts";

/** How often a mapping looks at its lag. */
export const LOOK_MS = {
  onDemand: lookEveryMs({ kind: "onDemand" }),
  provisioned: lookEveryMs({ kind: "provisioned", pollersMin: 1, pollersMax: 1 }),
};
const LOOKS: readonly number[] = Object.values(LOOK_MS);

interface Timer {
  readonly atMs: number;
  readonly delayMs: number;
  readonly callback: () => void;
}

/**
 * The time of one mapping, beside a Kafka that goes by the real one. `hasty`: whatever is waited for has come at once, but
 * for the next look at the lag. Otherwise time stands still until `advance`.
 */
export class TestClock implements Clock {
  /** What every throw of the dice gives. */
  chance = 0.5;
  /** How long was waited, each time. */
  readonly delaysMs: number[] = [];
  readonly #hasty: boolean;
  readonly #timers = new Set<Timer>();
  #nowMs = Date.now();

  constructor(hasty: boolean) {
    this.#hasty = hasty;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  random(): number {
    return this.chance;
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  setTimer(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, delayMs, callback };
    this.#timers.add(timer);
    if (this.#hasty && !LOOKS.includes(delayMs)) setImmediate(() => this.#timers.has(timer) && this.#fire(timer));
    return () => this.#timers.delete(timer);
  }

  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = [...this.#timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#fire(next);
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Whether somebody waits for this long. */
  isAwaited(delayMs: number): boolean {
    return [...this.#timers].some((timer) => timer.delayMs === delayMs);
  }

  #fire(timer: Timer): void {
    this.#timers.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, timer.atMs);
    this.delaysMs.push(timer.delayMs);
    timer.callback();
  }
}

/** Lets what can happen without time and without Kafka happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
