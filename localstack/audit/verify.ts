import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { profileConfig, velocityConfig } from "../../shared/agents/config.ts";
import { latenessSeconds } from "../../shared/agents/velocity.ts";
import { inTransaction, type Pool, type PoolClient } from "../../shared/postgres/index.ts";
import { reasonOf, StackError } from "../stack/errors.ts";

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
  /** Alerts that other settings raised: another rule, or another version of one. They are not compared. */
  ofOtherRules: number;
  /** Up to five of each kind. */
  examples: Difference[];
}

/** Why the audit may be wrong itself, where that is likely. */
export function hintOf(result: Verification): string | undefined {
  if (isGood(result) || result.ofOtherRules === 0) return undefined;
  return `${result.ofOtherRules} alerts are of another rule or version: what was judged under other settings is not judged again, so it counts as missing here. 'npx tripline reset --yes' starts afresh.`;
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
    lateness_seconds: latenessSeconds,
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
  try {
    return await recompute(pool, environment);
  } catch (cause) {
    if (!isOtherTable(cause)) throw cause;
    throw new StackError(
      "AUDIT_IMPOSSIBLE",
      `The audit recomputes alerts from id, user_id, amount and created_at of public.transactions, which are no longer what they were: ${reasonOf(cause)}. It can be asked again when they are; see docs/schema-evolution.md.`,
      { cause },
    );
  }
}

/** Of PostgreSQL: a column is not there, or of a type with which the question makes no sense. */
function isOtherTable(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["42703", "42804", "42883", "22P02"].includes(code);
}

/** The agents do without it, unless American Express counts. */
async function hasCardType(client: PoolClient): Promise<boolean> {
  const { rowCount } = await client.query(
    "select from pg_attribute where attrelid = 'transactions'::regclass and attname = 'card_type' and not attisdropped",
  );
  return rowCount === 1;
}

async function recompute(pool: Pool, environment: NodeJS.ProcessEnv): Promise<Verification> {
  const sql = await readFile(new URL("verify.sql", import.meta.url), "utf8");
  return inTransaction(pool, async (client) => {
    const settings = ruleSettings(environment);
    await client.query("set transaction isolation level repeatable read");
    // The table itself has no index on the user, as in the course; the audit makes its own, for this transaction only.
    await client.query(
      `create temp table audit_events (id int, user_id int, cents bigint, card_type text, created_at timestamp) on commit drop`,
    );
    const cardType = (await hasCardType(client)) ? "card_type" : "null::text";
    await client.query(
      `insert into audit_events
       select id, user_id, amount * 100, ${cardType}, created_at
       from transactions
       where user_id is not null and amount between 0 and 99999999.99
         and created_at >= '2000-01-01' and created_at < '2100-01-01'
         and (not $1::boolean or ${cardType} is not null)`,
      [settings["amex"]],
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
      of_other_rules: number;
      examples: Record<string, unknown>[];
    }>(sql, [JSON.stringify(settings)]);
    const counted = await client.query<{ transactions: number }>("select count(*) as transactions from transactions");
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
      ofOtherRules: row.of_other_rules,
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

/** How many transactions each agent has judged since its tables were made. */
export async function readJudged(pool: Pool): Promise<{ profile: number; velocity: number }> {
  const { rows } = await pool.query<{ agent: string; judged: number }>(
    "select agent, sum(judged)::bigint as judged from fraud.progress group by agent",
  );
  return { profile: 0, velocity: 0, ...Object.fromEntries(rows.map(({ agent, judged }) => [agent, judged])) };
}

/** The audit of a table of millions of rows takes minutes. */
export const auditTimeoutMs = 15 * 60_000;

const pollMs = 200;

/** The stack is given this long to recover, in all, while somebody waits for something. */
const recoveryMsMax = 180_000;

export interface Patience {
  /** What is left may stay the same for this long. */
  patienceMs: number;
  /** Time in which the stack recovers does not count, up to three minutes in all. */
  isRecovering?: () => boolean;
  /** Ends the wait. */
  signal?: AbortSignal | undefined;
}

/** Waits until both agents have judged every row there is now. Returns how many the slower one has left. */
export async function waitUntilJudged(pool: Pool, patience: Patience): Promise<number> {
  let transactions: number | undefined;
  return waitUntilNoneLeft(patience, async () => {
    transactions ??=
      (await pool.query<{ count: number }>("select count(*) as count from transactions")).rows[0]?.count ?? 0;
    const { profile, velocity } = await readJudged(pool);
    return transactions - Math.min(profile, velocity);
  });
}

/**
 * Asks how many are left until none are, or until patience ends. A question that fails, because a server is away, counts
 * as recovering. Returns what is left.
 */
export async function waitUntilNoneLeft(
  { patienceMs, isRecovering = () => false, signal }: Patience,
  countLeft: () => Promise<number>,
): Promise<number> {
  let left = Number.POSITIVE_INFINITY;
  let lastMoveMs = Date.now();
  let recoveredMs = 0;
  for (let lastMs = Date.now(); ; lastMs = Date.now()) {
    const now = await countLeft().catch(() => undefined);
    const recovering = now === undefined || isRecovering();
    if (now !== undefined && now !== left) [left, lastMoveMs] = [Math.max(0, now), Date.now()];
    if (left === 0 || signal?.aborted || Date.now() - lastMoveMs > patienceMs) return left;
    await sleep(pollMs);
    if (recovering && recoveredMs < recoveryMsMax) {
      recoveredMs += Date.now() - lastMs;
      lastMoveMs = Date.now();
    }
  }
}
