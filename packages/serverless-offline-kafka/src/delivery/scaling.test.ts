import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { invocationsPerPoller, pollersAtStart, pollersFor } from "./scaling.ts";

const IDLE = { pollers: 1, partitions: 8, lag: 0, done: 0, throttled: 0 };
const ON_DEMAND = { kind: "onDemand" } as const;

describe("on demand", () => {
  test("begins with one, doubles while what has come up takes too long, and goes back when nothing is left", () => {
    expect(pollersAtStart(ON_DEMAND)).toBe(1);
    expect(pollersFor(ON_DEMAND, { ...IDLE, lag: 100, done: 50 })).toBe(2);
    expect(pollersFor(ON_DEMAND, { ...IDLE, pollers: 2, lag: 100, done: 50 })).toBe(4);
    expect(pollersFor(ON_DEMAND, { ...IDLE, pollers: 4, lag: 40, done: 50 })).toBe(4);
    expect(pollersFor(ON_DEMAND, { ...IDLE, pollers: 4 })).toBe(3);
  });

  test("halves when the function is throttled, whatever the lag", () => {
    expect(pollersFor(ON_DEMAND, { ...IDLE, pollers: 5, lag: 1_000, throttled: 1 })).toBe(3);
  });
});

test("provisioned pollers begin with the minimum", () => {
  expect(pollersAtStart({ kind: "provisioned", pollersMin: 3, pollersMax: 9 })).toBe(3);
});

test("an event poller has up to five invocations at once when provisioned, one on demand, fewer where the machine has no more", () => {
  const provisioned = { kind: "provisioned", pollersMin: 1, pollersMax: 9 } as const;
  const perPoller = (pollers: number, invocationsMax: number) =>
    invocationsPerPoller(provisioned, pollers, invocationsMax);
  expect(perPoller(1, Number.POSITIVE_INFINITY)).toBe(5);
  expect([perPoller(1, 2), perPoller(2, 7), perPoller(2, 20), perPoller(8, 2)]).toEqual([2, 3, 5, 1]);
  expect(invocationsPerPoller(ON_DEMAND, 1, Number.POSITIVE_INFINITY)).toBe(1);
});

test("there are never more pollers than partitions or allowed, and never fewer than one or asked for", () => {
  const load = fc.record({
    pollers: fc.integer({ min: 1, max: 300 }),
    partitions: fc.nat({ max: 300 }),
    lag: fc.nat(),
    done: fc.nat(),
    throttled: fc.nat({ max: 2 }),
  });
  const bounds = fc.tuple(fc.integer({ min: 1, max: 200 }), fc.nat({ max: 100 }));
  fc.assert(
    fc.property(load, bounds, (one, [pollersMin, more]) => {
      const most = Math.max(1, one.partitions);
      const onDemand = pollersFor(ON_DEMAND, one);
      expect(onDemand).toBeGreaterThanOrEqual(1);
      expect(onDemand).toBeLessThanOrEqual(most);
      const provisioned = pollersFor({ kind: "provisioned", pollersMin, pollersMax: pollersMin + more }, one);
      expect(provisioned).toBeGreaterThanOrEqual(Math.min(most, pollersMin));
      expect(provisioned).toBeLessThanOrEqual(Math.min(most, pollersMin + more));
    }),
  );
});
