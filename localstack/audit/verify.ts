import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { profileConfig, velocityConfig } from "../../shared/agents/config.ts";
import { inTransaction, type Pool } from "../../shared/postgres/index.ts";

export interface Difference {
  verdict: "missing" | "unexpected" | "duplicated";
  alertId: string;
  agent: string;
  transactionId: number;
  userId: number;
  amountCents: number;
}

export interface Verification {
  transactions: number;
  expected: number;
  expectedByAgent: Record<string, number>;
  found: number;
  missing: number;
  unexpected: number;
  duplicated: number;
  /** Up to five of each kind. */
  examples: Difference[];
}

export function isGood({ missing, unexpected, duplicated }: Verification): boolean {
  return missing === 0 && unexpected === 0 && duplicated === 0;
}

/** The rules' settings under the names that verify.sql gives them. */
function ruleSettings(environment: NodeJS.ProcessEnv): Record<string, unknown> {
  const [profile, velocity] = [profileConfig(environment), velocityConfig(environment)];
  return {
    profile_rule: profile.rule,
    profile_version: profile.ruleVersion,
    history: profile.historyMax,
    history_minimum: profile.historyMin,
    profile_above: profile.amountAboveCents,
    profile_threshold: profile.threshold,
    velocity_version: velocity.ruleVersion,
    window_seconds: velocity.windowSeconds,
    count_above: velocity.countAbove,
    count_score: velocity.countScore,
    velocity_above: velocity.amountAboveCents,
    amount_score: velocity.amountScore,
    amex: velocity.amex,
    amex_score: velocity.amexScore,
    alert_above: velocity.alertAbove,
  };
}

/**
 * Recomputes in SQL, from `transactions` and without any of the agents' code, which alerts must exist, and compares them
 * with those in fraud.alerts. What it assumes of the table is said at the top of verify.sql.
 */
export async function verifyAlerts(pool: Pool, environment: NodeJS.ProcessEnv = process.env): Promise<Verification> {
  const sql = await readFile(new URL("verify.sql", import.meta.url), "utf8");
  return inTransaction(pool, async (client) => {
    await client.query("set transaction isolation level repeatable read");
    await client.query("set local statement_timeout = '15min'");
    // The table itself has no index on the user, as in the course; the audit makes its own, for this transaction only.
    await client.query(
      "create temp table audit_events on commit drop as select id, user_id, created_at from transactions",
    );
    await client.query("create index on audit_events (user_id, created_at, id)");
    await client.query("analyze audit_events");
    const { rows } = await client.query<{
      expected: number;
      expected_by_agent: Record<string, number>;
      found: number;
      missing: number;
      unexpected: number;
      duplicated: number;
      examples: Record<string, unknown>[];
    }>(sql, [JSON.stringify(ruleSettings(environment))]);
    const counted = await client.query<{ transactions: number }>("select count(*) as transactions from audit_events");
    const row = rows[0];
    if (row === undefined) throw new Error("verify.sql returned no row");
    return {
      transactions: counted.rows[0]?.transactions ?? 0,
      expected: row.expected,
      expectedByAgent: row.expected_by_agent,
      found: row.found,
      missing: row.missing,
      unexpected: row.unexpected,
      duplicated: row.duplicated,
      examples: row.examples.map((example) => ({
        verdict: example["verdict"] as Difference["verdict"],
        alertId: String(example["alert_id"]),
        agent: String(example["agent"]),
        transactionId: Number(example["transaction_id"]),
        userId: Number(example["user_id"]),
        amountCents: Number(example["amount_cents"]),
      })),
    };
  });
}

export interface Backlog {
  /** Rows in the table, and how many of them each agent has judged. */
  transactions: number;
  judged: { profile: number; velocity: number };
}

/** How far the agents are behind the table. */
export async function readBacklog(pool: Pool): Promise<Backlog> {
  const { rows } = await pool.query<{ transactions: number; profile: number; velocity: number }>(
    `select (select count(*) from transactions) as transactions,
            coalesce((select sum(judged) from fraud.progress where agent = 'profile'), 0)::bigint as profile,
            coalesce((select sum(judged) from fraud.progress where agent = 'velocity'), 0)::bigint as velocity`,
  );
  const { transactions = 0, profile = 0, velocity = 0 } = rows[0] ?? {};
  return { transactions, judged: { profile, velocity } };
}

const pollMs = 200;

/**
 * Waits until both agents have judged every row, or until nothing has moved for `patienceMs`.
 * Returns what is still to be judged by the slower one.
 */
export async function waitUntilJudged(pool: Pool, patienceMs: number, isRecovering = () => false): Promise<number> {
  return waitUntilNoneLeft(patienceMs, isRecovering, async () => {
    const { transactions, judged } = await readBacklog(pool);
    return transactions - Math.min(judged.profile, judged.velocity);
  });
}

/**
 * Asks how many are left until none are, or until that number has not changed for `patienceMs`. Time in which the stack
 * recovers from something does not count.
 */
export async function waitUntilNoneLeft(
  patienceMs: number,
  isRecovering: () => boolean,
  countLeft: () => Promise<number>,
): Promise<number> {
  let [left, lastMoveMs] = [Number.POSITIVE_INFINITY, Date.now()];
  for (;;) {
    const now = Math.max(0, await countLeft());
    if (now !== left || isRecovering()) [left, lastMoveMs] = [now, Date.now()];
    if (left === 0 || Date.now() - lastMoveMs > patienceMs) return left;
    await sleep(pollMs);
  }
}
