import { alertsAboveCents, type ProfileConfig } from "../../../shared/agents/profile-threshold.ts";
import type { UserTransaction, UserTransactionPage } from "../api.ts";
import type { Paging } from "./paging.ts";

/** Pages are parts of the table: they hang together where no id is between them. */
export const transactionPaging: Paging<UserTransactionPage> = {
  join: (newer, older) => ({ ...older, to: newer.to, transactions: [...newer.transactions, ...older.transactions] }),
  renew(first, known) {
    if (first.from > known.to + 1) return undefined;
    const before = known.transactions.filter(({ id }) => id < first.from);
    return { ...known, to: first.to, transactions: [...first.transactions, ...before] };
  },
};

export interface JudgedTransaction extends UserTransaction {
  /** Above which the profile agent would alert; null: too little is known of what came before. */
  readonly thresholdCents: number | null;
}

/**
 * A user's transactions with what the profile agent held them against, by its own rule. They are taken in the order of their ids, which is that
 * of the agents as long as no transaction was committed late.
 *
 * @param transactions newest first
 * @param isComplete none came before them; else the first ones were held against amounts that are not known here
 */
export function withThresholds(
  transactions: readonly UserTransaction[],
  rule: ProfileConfig,
  isComplete: boolean,
): JudgedTransaction[] {
  let history: readonly number[] = [];
  return transactions
    .toReversed()
    .map((transaction) => {
      const { amountCents } = transaction;
      const isKnown = isComplete || history.length === rule.historyMax;
      const thresholdCents = isKnown ? (alertsAboveCents(rule, amountsOf(history)) ?? null) : null;
      if (amountCents !== null) history = [...history, amountCents].slice(-rule.historyMax);
      return { ...transaction, thresholdCents };
    })
    .reverse();
}

const amountsOf = (cents: readonly number[]) => ({
  count: cents.length,
  sumCents: cents.reduce((sum, each) => sum + each, 0),
  values: () => [...cents],
});
