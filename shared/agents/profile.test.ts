import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { profileConfig } from "./config.ts";
import { judgeAmount as judge, profileAgent } from "./profile.ts";
import { alertsAboveCents, type ProfileConfig } from "./profile-threshold.ts";
import type { Transaction } from "./transaction.ts";
import { UserAmounts } from "./user-amounts.ts";

const ratio = profileConfig({});
const sigma = profileConfig({ PROFILE_RULE: "sigma" });

const spends = (userId: number, amountCents: number): Transaction => ({
  id: 1,
  userId,
  amountCents,
  cardType: null,
  merchantId: null,
  createdAtMicros: null,
});
function judgeAmount(config: ProfileConfig, earlier: readonly number[], amountCents: number) {
  const history = new UserAmounts(config.historyMax).select(1);
  for (const each of earlier) history.push(each);
  return judge(config, history, amountCents);
}
const times = (count: number, amountCents: number): number[] => Array(count).fill(amountCents);

describe("ratio", () => {
  test("needs three earlier amounts", () => {
    expect(judgeAmount(ratio, times(2, 100), 9_999_999_999)).toBeUndefined();
    expect(judgeAmount(ratio, times(3, 100), 9_999_999_999)).toBeDefined();
  });

  test("an amount of 500.00 is never suspicious, 500.01 may be", () => {
    expect(judgeAmount(ratio, times(3, 1), 50_000)).toBeUndefined();
    expect(judgeAmount(ratio, times(3, 1), 50_001)).toBeDefined();
  });

  test("three times the mean is not more than three times the mean", () => {
    expect(judgeAmount(ratio, times(3, 20_000), 60_000)).toBeUndefined();
    expect(judgeAmount(ratio, times(3, 20_000), 60_001)).toBeDefined();
  });

  test("the mean is not rounded: of 200.00, 200.00 and 200.01 three times is 600.01", () => {
    expect(judgeAmount(ratio, [20_000, 20_000, 20_001], 60_001)).toBeUndefined();
    expect(judgeAmount(ratio, [20_000, 20_000, 20_001], 60_002)).toBeDefined();
  });

  test("the threshold is a decimal, not the double next to it", () => {
    const config = { ...ratio, threshold: 1.1 };
    expect(judgeAmount(config, times(3, 100_000), 110_000)).toBeUndefined();
    expect(judgeAmount(config, times(3, 100_000), 110_001)).toBeDefined();
  });

  test("says why", () => {
    expect(judgeAmount(ratio, [10_000, 10_000, 10_001], 481_250)).toEqual({
      rule: "ratio",
      reason: { rule: "ratio", count: 3, sumCents: 30_001, meanCents: 10_000, threshold: 3 },
    });
  });
});

describe("sigma", () => {
  // Mean 300.00, sample deviation 100.00.
  const history = [20_000, 30_000, 40_000];

  test("three deviations above the mean is not more than that", () => {
    expect(judgeAmount(sigma, history, 60_000)).toBeUndefined();
    expect(judgeAmount(sigma, history, 60_001)).toEqual({
      rule: "sigma",
      reason: { rule: "sigma", count: 3, meanCents: 30_000, deviationCents: 10_000, threshold: 3 },
    });
  });

  test("of equal amounts the deviation is 0, and any greater amount is more", () => {
    expect(judgeAmount(sigma, times(50, 60_000), 60_000)).toBeUndefined();
    expect(judgeAmount(sigma, times(50, 60_000), 60_001)).toBeDefined();
  });

  test("far below the mean is not far above it", () => {
    expect(judgeAmount(sigma, times(50, 9_000_000), 60_000)).toBeUndefined();
  });
});

/** The rules in fractions of whole numbers, word by word. `thresholdScaled` is in ten-thousandths. */
function modelIsSuspicious(config: ProfileConfig, thresholdScaled: bigint, earlier: bigint[], amount: bigint): boolean {
  const n = BigInt(earlier.length);
  if (earlier.length < config.historyMin || amount <= BigInt(config.amountAboveCents)) return false;
  const sum = earlier.reduce((total, each) => total + each, 0n);
  if (config.rule === "ratio") return amount * n * 10_000n > thresholdScaled * sum;
  // amount − mean > k·s, all of it times n; s² = Σ(x − mean)² / (n − 1), and n²·Σ(x − mean)² = Σ(n·x − sum)².
  const left = (amount * n - sum) * 10_000n;
  const squares = earlier.reduce((total, each) => total + (n * each - sum) ** 2n, 0n);
  return left > 0n && left ** 2n * (n - 1n) > thresholdScaled ** 2n * squares;
}

const amount = fc.oneof(
  fc.integer({ min: 0, max: 9_999_999_999 }),
  fc.integer({ min: 500, max: 500_000 }),
  fc.integer({ min: 0, max: 100 }),
  fc.constantFrom(50_000, 50_001, 20_000, 60_000, 60_001, 9_999_999_999),
);
const configs = fc.record({
  rule: fc.constantFrom("ratio" as const, "sigma" as const),
  historyMax: fc.integer({ min: 2, max: 60 }),
  historyMin: fc.integer({ min: 2, max: 5 }),
  amountAboveCents: fc.constantFrom(0, 100, 50_000),
  thresholdScaled: fc.oneof(fc.constant(30_000), fc.integer({ min: 0, max: 50_000 })),
});

test.each([{ restores: false }, { restores: true }])(
  "judges as the rules say, restored in the middle: $restores",
  ({ restores }) => {
    const stream = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), amount), { maxLength: 200 });
    fc.assert(
      fc.property(configs, stream, fc.nat({ max: 200 }), ({ thresholdScaled, ...rest }, transactions, restoreAt) => {
        const config: ProfileConfig = { ...rest, ruleVersion: 1, threshold: thresholdScaled / 10_000 };
        const agent = profileAgent(config);
        const model = new Map<number, bigint[]>();
        let memory = agent.create();
        for (const [index, [userId, amountCents]] of transactions.entries()) {
          if (restores && index === restoreAt) {
            const writer = new ByteWriter();
            memory.encode(writer);
            memory = agent.decode(new ByteReader(writer.finish()));
          }
          const all = model.get(userId) ?? [];
          model.set(userId, [...all, BigInt(amountCents)]);
          const suspicious = modelIsSuspicious(
            config,
            BigInt(thresholdScaled),
            all.slice(-config.historyMax),
            BigInt(amountCents),
          );
          expect(memory.judge(spends(userId, amountCents)) !== undefined).toBe(suspicious);
        }
      }),
    );
  },
);

test("the history holds fifty amounts: the fifty-first counts no more", () => {
  const memory = profileAgent(ratio).create();
  memory.judge(spends(1, 9_000_000));
  for (const amountCents of times(49, 10_000)) memory.judge(spends(1, amountCents));
  // 9,000,000 is still among the fifty.
  expect(memory.judge(spends(1, 50_001))).toBeUndefined();
  expect(memory.judge(spends(1, 50_001))).toMatchObject({ reason: { count: 50, sumCents: 49 * 10_000 + 50_001 } });
});

test("a shorter history takes effect on what was stored with a longer one", () => {
  const memory = profileAgent(ratio).create();
  for (const amountCents of [9_000_000, ...times(5, 10_000)]) memory.judge(spends(1, amountCents));
  const writer = new ByteWriter();
  memory.encode(writer);
  const shorter = profileAgent({ ...ratio, historyMax: 5 }).decode(new ByteReader(writer.finish()));
  expect(shorter.judge(spends(1, 50_001))).toMatchObject({ reason: { count: 5, sumCents: 50_000 } });
});

describe("the threshold that is drawn", () => {
  test.each([ratio, sigma])("is that of the rule %#, to the cent that it is rounded to", (config) => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 500_000 }), { minLength: 3, maxLength: 60 }),
        fc.integer({ min: 1, max: 2_000_000 }),
        (earlier, amountCents) => {
          const history = new UserAmounts(config.historyMax).select(1);
          for (const each of earlier) history.push(each);
          const above = alertsAboveCents(config, history) as number;
          fc.pre(Math.abs(amountCents - above) > 1);
          expect(judge(config, history, amountCents) !== undefined).toBe(amountCents > above);
        },
      ),
    );
  });

  test("is not known while too little is known of the user", () => {
    const history = new UserAmounts(ratio.historyMax).select(1);
    for (const each of [100, 200]) history.push(each);
    expect(alertsAboveCents(ratio, history)).toBeUndefined();
  });
});
