import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { VelocityReason } from "../alerts/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { type VelocityConfig, velocityConfig } from "./config.ts";
import type { Transaction } from "./transaction.ts";
import { eventsPerUserMax, latenessSeconds, ruleScorer, type Scorer, velocityAgent } from "./velocity.ts";

const config = velocityConfig({});
const second = 1_000_000;
const noon = 1_793_534_400 * second;

const at = (micros: number, overrides: Partial<Transaction> = {}): Transaction => ({
  id: 1,
  userId: 1,
  amountCents: 400_001,
  cardType: "VISA",
  merchantId: null,
  createdAtMicros: noon + micros,
  ...overrides,
});

/** How many transactions of the last window each one saw. */
const countingScorer: Scorer = ({ windowCount }) => ({
  score: windowCount,
  parts: { velocity: windowCount, amount: 0, amex: 0 },
});
function windowCounts(transactions: Transaction[], settings: VelocityConfig = { ...config, alertAbove: 0 }) {
  const memory = velocityAgent(settings, countingScorer).create();
  return transactions.map((each) => (memory.judge(each)?.reason as VelocityReason | undefined)?.windowCount);
}

describe("the window", () => {
  test("reaches back sixty seconds, both ends included", () => {
    expect(windowCounts([at(0), at(60 * second)])).toEqual([1, 2]);
    expect(windowCounts([at(0), at(60 * second + 1)])).toEqual([1, 1]);
  });

  test("counts those of the same moment that came before", () => {
    expect(windowCounts([at(0), at(0), at(0)])).toEqual([1, 2, 3]);
  });

  test("is each user's own", () => {
    expect(windowCounts([at(0), at(0, { userId: 2 }), at(1)])).toEqual([1, 1, 2]);
  });

  test("of a late event ends with it: what is newer does not count", () => {
    expect(windowCounts([at(0), at(50 * second), at(10 * second)])).toEqual([1, 2, 2]);
  });

  test("of an event that is sixty seconds late is still whole", () => {
    const late = [at(0), at(1), at(120 * second), at(60 * second)];
    expect(windowCounts(late)).toEqual([1, 2, 1, 3]);
  });

  test("of an event later than that is what is left of it", () => {
    expect(windowCounts([at(0), at(1), at(120 * second + 1), at(60 * second)])).toEqual([1, 2, 1, 2]);
    expect(windowCounts([at(0), at(1), at(500 * second), at(2)])).toEqual([1, 2, 1, 1]);
  });

  test("counts up to the number of events that are remembered", () => {
    const counts = windowCounts(Array.from({ length: eventsPerUserMax + 3 }, () => at(0)));
    expect(counts.slice(-5)).toEqual([-1, 0, 0, 0, 0].map((each) => eventsPerUserMax + each));
  });
});

describe("an event whose time is far ahead", () => {
  const ahead = Date.UTC(2099, 0) * 1000 - noon;

  test("forgets nobody else", () => {
    const transactions = [at(0), at(1), at(ahead, { userId: 2 }), at(2)];
    expect(windowCounts(transactions)).toEqual([1, 2, 1, 3]);
  });

  test("costs its own user no more than the windows it came into", () => {
    const transactions = [at(0), at(1), at(ahead), at(2), at(3)];
    expect(windowCounts(transactions)).toEqual([1, 2, 1, 1, 2]);
  });
});

describe("the score", () => {
  const features = { amountCents: 400_000, cardType: "VISA", windowCount: 5 };
  const score = (overrides: Partial<typeof features>, settings = config) =>
    ruleScorer(settings)({ ...features, ...overrides }).score;

  test.each([
    ["nothing", {}, 0],
    ["more than 5", { windowCount: 6 }, 40],
    ["more than 4000.00", { amountCents: 400_001 }, 50],
    ["both", { windowCount: 6, amountCents: 400_001 }, 90],
    ["AMEX, which does not count", { cardType: "AMEX" }, 0],
  ])("%s", (_, overrides, expected) => {
    expect(score(overrides)).toBe(expected);
  });

  test("AMEX where that is on", () => {
    expect(score({ cardType: "AMEX" }, { ...config, amex: true })).toBe(10);
    expect(score({ cardType: "VISA" }, { ...config, amex: true })).toBe(0);
  });
});

describe("the agent", () => {
  test("alerts on the sixth within a minute that is above 4000.00", () => {
    const memory = velocityAgent(config).create();
    for (let event = 0; event < 5; event++) expect(memory.judge(at(event))).toBeUndefined();
    expect(memory.judge(at(5, { amountCents: 400_000 }))).toBeUndefined();
    expect(memory.judge(at(60 * second))).toEqual({
      rule: "velocity",
      reason: {
        rule: "velocity",
        score: 90,
        windowCount: 7,
        windowSeconds: 60,
        parts: { velocity: 40, amount: 50, amex: 0 },
      },
    });
  });

  test("alerts above the threshold, not at it", () => {
    const scored = (score: number) =>
      velocityAgent(config, () => ({ score, parts: { velocity: score, amount: 0, amex: 0 } }))
        .create()
        .judge(at(0));
    expect(scored(70)).toBeUndefined();
    expect(scored(71)).toMatchObject({ reason: { score: 71 } });
  });

  test("needs card_type only where AMEX counts", () => {
    expect([...velocityAgent(config).needs]).toEqual(["created_at"]);
    expect([...velocityAgent({ ...config, amex: true }).needs]).toEqual(["created_at", "card_type"]);
  });

  test("keeps what a scorer of somebody else's found", () => {
    const scorer: Scorer = ({ amountCents, cardType, windowCount }) => ({
      score: amountCents === 7 && cardType === "AMEX" && windowCount === 1 ? 99 : 0,
      parts: { velocity: 0, amount: 0, amex: 99 },
    });
    const memory = velocityAgent(config, scorer).create();
    expect(memory.judge(at(0, { amountCents: 7, cardType: "AMEX" }))).toMatchObject({ reason: { score: 99 } });
  });
});

test.each([{ restores: false }, { restores: true }])(
  "counts as the rule says while nothing is too late, restored in the middle: $restores",
  ({ restores }) => {
    const windowSeconds = fc.constantFrom(1, 60, 3_600);
    const step = fc.record({
      userId: fc.integer({ min: 1, max: 3 }),
      aheadMicros: fc.oneof(
        fc.integer({ min: 0, max: 90 * second }),
        fc.constantFrom(0, 1, 60 * second, 60 * second + 1, 3_600 * second, 5_000 * second),
      ),
      lateMicros: fc.oneof(
        fc.constantFrom(0, latenessSeconds * second),
        fc.integer({ min: 0, max: latenessSeconds * second }),
      ),
    });
    fc.assert(
      fc.property(
        windowSeconds,
        fc.array(step, { maxLength: 150 }),
        fc.nat({ max: 150 }),
        (window, steps, restoreAt) => {
          const agent = velocityAgent({ ...config, windowSeconds: window, alertAbove: 0 }, countingScorer);
          const earlier = new Map<number, number[]>();
          let memory = agent.create();
          const newest = new Map<number, number>();
          for (const [index, { userId, aheadMicros, lateMicros }] of steps.entries()) {
            if (restores && index === restoreAt) {
              const writer = new ByteWriter();
              memory.encode(writer);
              memory = agent.decode(new ByteReader(writer.finish()));
            }
            const ahead = (newest.get(userId) ?? 0) + aheadMicros;
            newest.set(userId, ahead);
            const micros = ahead - lateMicros;
            const mine = [...(earlier.get(userId) ?? []), micros];
            earlier.set(userId, mine);
            const count = mine.filter((each) => each >= micros - window * second && each <= micros).length;
            expect(memory.judge(at(micros, { userId }))).toMatchObject({ reason: { windowCount: count } });
          }
        },
      ),
    );
  },
);
