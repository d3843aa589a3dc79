import * as v from "valibot";
import type { ProfileConfig } from "../../../shared/agents/profile-threshold.ts";
import type { Pool } from "../../../shared/postgres/index.ts";
import type { UserTransaction, UserTransactionPage, UserView } from "../api.ts";
import { wholeNumber } from "../http/router.ts";
import { isoText } from "../sql.ts";
import { findAlerts } from "./alerts.ts";

const alertsMax = 200;
const transactionsMax = 350;

/**
 * How many ids one request looks through, by the primary key. An index on the user would find more and be faster, and be paid for with every
 * transaction that is inserted, by a table that belongs to somebody else; who has one anyway gets its speed here.
 */
const idsPerRequestMax = 100_000;

/** What a user was alerted for, and the rule that their amounts are held against. */
export async function findUser(pool: Pool, rule: ProfileConfig, userId: number): Promise<UserView> {
  const { alerts } = await findAlerts(pool, { user: userId, limit: alertsMax });
  return { userId, alerts, rule };
}

export const TransactionFilter = v.object({ before: v.optional(wholeNumber()) });

/** A user's transactions in a part of the table: its newest, or that before an id. */
export async function findTransactions(
  pool: Pool,
  userId: number,
  { before }: v.InferOutput<typeof TransactionFilter>,
  idsMax = idsPerRequestMax,
): Promise<UserTransactionPage> {
  const { rows: ends } = await pool.query<{ oldest: number | null; newest: number | null }>(
    `select min(id)::bigint as oldest, max(id)::bigint as newest from transactions ${before === undefined ? "" : "where id < $1::bigint"}`,
    before === undefined ? [] : [before],
  );
  const { oldest = null, newest = null } = ends[0] ?? {};
  if (oldest === null || newest === null) return { transactions: [], from: 0, to: (before ?? 1) - 1, next: null };
  const lowest = Math.max(oldest, newest - idsMax + 1);
  const { rows } = await pool.query<Omit<UserTransaction, "agents">>(
    `select id, ${isoText("created_at")} as at, (amount * 100)::bigint as "amountCents", card_type as "cardType",
       merchant_id as "merchantId"
     from transactions where id between $2 and $3 and user_id = $1 order by id desc limit $4`,
    [userId, lowest, newest, transactionsMax],
  );
  const from = rows.length < transactionsMax ? lowest : (rows.at(-1)?.id ?? lowest);
  const { rows: alerts } = await pool.query<{ id: number; agents: string[] }>(
    `select transaction_id as id, array_agg(agent order by agent) as agents from fraud.alerts
     where user_id = $1 and transaction_id between $2 and $3 group by transaction_id`,
    [userId, from, newest],
  );
  const agents = new Map(alerts.map((each) => [each.id, each.agents]));
  const transactions = rows.map((row) => ({ ...row, agents: agents.get(row.id) ?? [] }));
  // Up to the id before which was asked: between there and the newest below it, there are none.
  const to = before === undefined ? newest : before - 1;
  return { transactions, from, to, next: from > oldest ? String(from) : null };
}
