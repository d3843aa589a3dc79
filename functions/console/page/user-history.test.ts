import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { profileAgent } from "../../../shared/agents/profile.ts";
import type { ProfileConfig } from "../../../shared/agents/profile-threshold.ts";
import type { UserTransaction, UserTransactionPage } from "../api.ts";
import { transactionPaging, withThresholds } from "./user-history.ts";

const ratio: ProfileConfig = {
  rule: "ratio",
  ruleVersion: 1,
  historyMax: 5,
  historyMin: 2,
  amountAboveCents: 1_000,
  threshold: 3,
};
const spent = (id: number, amountCents: number | null): UserTransaction => ({
  id,
  at: null,
  amountCents,
  cardType: null,
  merchantId: null,
  agents: [],
});

describe("what amounts were held against", () => {
  test.each(["ratio", "sigma"] as const)("is what the agent's %s finds something above", (rule) => {
    const config = { ...ratio, rule };
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 500_000 }), { maxLength: 30 }), (amounts) => {
        const memory = profileAgent(config).create();
        const isFound = amounts.map((amountCents, index) => {
          const transaction = {
            id: index,
            userId: 7,
            amountCents,
            cardType: null,
            createdAtMicros: 0,
            merchantId: null,
          };
          return memory.judge(transaction) !== undefined;
        });
        const newestFirst = amounts.map((amountCents, index) => spent(index, amountCents)).reverse();
        for (const { id, amountCents, thresholdCents } of withThresholds(newestFirst, config, true)) {
          const isAbove = thresholdCents !== null && (amountCents as number) > thresholdCents;
          // Drawn to the cent, judged exactly.
          if (thresholdCents !== null && Math.abs((amountCents as number) - thresholdCents) <= 1) continue;
          expect(isAbove).toBe(isFound[id]);
        }
      }),
    );
  });

  test("is not known of the first ones while earlier ones may be missing", () => {
    const newestFirst = Array.from({ length: 8 }, (_, index) => spent(8 - index, 100));
    const known = withThresholds(newestFirst, ratio, false).filter((one) => one.thresholdCents !== null);
    expect(known.map(({ id }) => id)).toEqual([8, 7, 6]);
  });

  test("is not known before as many amounts as count are, whatever rows have none", () => {
    const newestFirst = Array.from({ length: 9 }, (_, index) => spent(9 - index, index === 6 ? null : 100));
    const known = withThresholds(newestFirst, ratio, false).filter((one) => one.thresholdCents !== null);
    expect(known.map(({ id }) => id)).toEqual([9, 8, 7]);
  });

  test("is not moved by a transaction without an amount", () => {
    const judged = withThresholds([spent(4, 100), spent(3, null), spent(2, 600), spent(1, 400)], ratio, true);
    expect(judged.map(({ thresholdCents }) => thresholdCents)).toEqual([1_500, 1_500, null, null]);
  });
});

describe("pages of a table's parts", () => {
  const page = (from: number, to: number, ids: readonly number[]): UserTransactionPage => ({
    ...{ from, to, next: String(from) },
    transactions: ids.map((id) => spent(id, 1)),
  });

  test("are one where no id is between them", () => {
    const known = transactionPaging.join(page(801, 1_000, [900]), page(601, 800, [700]));
    expect(known).toEqual(page(601, 1_000, [900, 700]));
    expect(transactionPaging.renew(page(851, 1_050, [1_020, 900]), known)).toEqual(page(601, 1_050, [1_020, 900, 700]));
    expect(transactionPaging.renew(page(1_001, 1_200, [1_100]), known)).toEqual(page(601, 1_200, [1_100, 900, 700]));
  });

  test("begin anew where more has come than a part holds", () => {
    const known = transactionPaging.join(page(801, 1_000, [900]), page(601, 800, [700]));
    expect(transactionPaging.renew(page(1_002, 1_200, []), known)).toBeUndefined();
  });
});
