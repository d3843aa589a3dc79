import type { ProfileConfig } from "../../../shared/agents/config.ts";
import { alertsAboveCents } from "../../../shared/agents/profile.ts";
import { UserAmounts } from "../../../shared/agents/user-amounts.ts";
import type { Pool } from "../../../shared/postgres/index.ts";
import type { AlertView, UserTransaction, UserView } from "../api.ts";
import { isoText } from "../sql.ts";
import { findAlerts } from "./alerts.ts";

const transactionsMax = 300;
const alertsMax = 200;

/**
 * How far back is looked, in steps, by the primary key. An index on the user would find more and be faster, and be paid for with every
 * transaction that is inserted, by a table that belongs to somebody else; who has one anyway gets its speed here.
 */
const lookbacks = [200_000, 1_000_000, 4_000_000];
/** With so many to see, behind as many as the rule looks at, it is not looked further. */
const shownMin = 30;

type TransactionRow = Omit<UserTransaction, "thresholdCents" | "agents">;

/** What a user spent, with the threshold that each amount was held against, and the alerts that it raised. */
export async function findUser(pool: Pool, profile: ProfileConfig, userId: number): Promise<UserView> {
  const { rows, searchedFrom } = await findTransactions(pool, userId, profile.historyMax);
  const { alerts } = await findAlerts(pool, { user: userId, limit: alertsMax });
  const transactions = withThresholds(profile, rows.reverse(), alerts).slice(-transactionsMax);
  return {
    userId,
    // What the agent knew of the user before the first ones is not known here.
    transactions: searchedFrom === null ? transactions : withoutThresholds(transactions, profile.historyMax),
    searchedFrom,
    alerts,
    rule: { name: profile.rule, threshold: profile.threshold, history: profile.historyMax },
  };
}

async function findTransactions(pool: Pool, userId: number, historyMax: number) {
  const count = transactionsMax + historyMax;
  const { rows: ends } = await pool.query<{ newest: number | null }>(
    "select max(id)::bigint as newest from transactions",
  );
  const newest = ends[0]?.newest ?? 0;
  let rows: TransactionRow[] = [];
  let searchedFrom: number | null = null;
  for (const lookback of lookbacks) {
    const from = newest - lookback;
    ({ rows } = await pool.query<TransactionRow>(
      `select id, ${isoText("created_at")} as at, (amount * 100)::bigint as "amountCents", card_type as "cardType",
         merchant_id as "merchantId"
       from transactions where id > $3 and user_id = $1 order by id desc limit $2`,
      [userId, count, from],
    ));
    searchedFrom = from > 0 && rows.length < count ? from + 1 : null;
    if (rows.length >= shownMin + historyMax || searchedFrom === null) break;
  }
  return { rows, searchedFrom };
}

const withoutThresholds = (transactions: readonly UserTransaction[], count: number) =>
  transactions.map((one, index) => (index < count ? { ...one, thresholdCents: null } : one));

/** In the order of their ids, which is that of the agents as long as no transaction was committed late. */
function withThresholds(
  profile: ProfileConfig,
  transactions: readonly TransactionRow[],
  alerts: readonly AlertView[],
): UserTransaction[] {
  const agents = Map.groupBy(alerts, ({ transactionId }) => transactionId);
  const history = new UserAmounts(profile.historyMax).select(0);
  return transactions.map((transaction) => {
    const { amountCents, id } = transaction;
    const thresholdCents = alertsAboveCents(profile, history) ?? null;
    if (amountCents !== null) history.push(amountCents);
    return { ...transaction, thresholdCents, agents: (agents.get(id) ?? []).map(({ agent }) => agent) };
  });
}
