import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Dice } from "./dice.ts";
import { rowsOf } from "./faults/clocks.ts";
import { faults } from "./faults/index.ts";
import { each, random } from "./plan.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe("a plan", () => {
  test("depends on its seed alone", () => {
    const planOf = (seed: number) => {
      const dice = new Dice(seed);
      return [...each(faults, dice), ...Array.from({ length: 20 }, () => random(faults, dice))];
    };
    expect(planOf(7)).toEqual(planOf(7));
    expect(planOf(7)).not.toEqual(planOf(8));
  });

  test("has each fault once, as long as it may last", () => {
    const steps = each(faults, new Dice(1));
    expect(steps.map(([strike]) => strike?.fault)).toEqual(faults);
    for (const [strike] of steps) {
      expect(strike?.lastsMs).toBeGreaterThanOrEqual(strike?.fault.lastsMs[0] ?? 0);
      expect(strike?.lastsMs).toBeLessThanOrEqual(strike?.fault.lastsMs[1] ?? 0);
    }
  });

  test("never has two faults at once that touch the same part, and has overlapping ones", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const touched = random(faults, new Dice(seed)).flatMap(({ fault }) => fault.touches);
        expect(new Set(touched).size).toBe(touched.length);
      }),
    );
    const dice = new Dice(1);
    const sizes = new Set(Array.from({ length: 50 }, () => random(faults, dice).length));
    expect([...sizes].sort()).toEqual([1, 2, 3]);
  });
});

test("jumping clocks stay within what the audit assumes: no row is more than a window behind a newer one of its user", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const newest = new Map<number, number>();
      let behindMicrosMax = 0;
      for (const { userId, createdAtMicros } of rowsOf(new Dice(seed))) {
        const last = newest.get(userId) ?? createdAtMicros;
        behindMicrosMax = Math.max(behindMicrosMax, last - createdAtMicros);
        newest.set(userId, Math.max(last, createdAtMicros));
      }
      expect(behindMicrosMax).toBe(60_000_000);
    }),
  );
});
