import { type Verification, verifyAlerts } from "../../localstack/audit/verify.ts";
import { connectTo } from "../../localstack/run/database.ts";
import type { Settings } from "../../localstack/stack/settings.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import type { AgentName } from "./failed-records.ts";

/** A transaction as it was meant, whatever its table made of it. */
export interface Entry {
  readonly id: number;
  readonly userId: number;
  readonly amountCents: number;
  readonly cardType: string | null;
  readonly merchantId: number | null;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** Which agents must judge it. Nobody needs less than profile, so it is never velocity alone. */
export type Judges = "both" | "profile" | "nobody";

/**
 * What the agents must have judged, written beside `public.transactions` by whoever writes a test's transactions. A column
 * that is dropped takes its values with it, and a record made by hand never was a row: this table still has them. It is
 * called audit.transactions and has the columns that `verify` reads, so that verify.sql, unchanged, can be asked about it.
 */
export class Ledger {
  readonly #pool: Pool;
  readonly #auditPool: Pool;

  constructor(settings: Settings, pool: Pool) {
    this.#pool = pool;
    this.#auditPool = connectTo(settings, "mydb", { connectionsMax: 1 });
    // Sent ahead of whatever the connection is wanted for: `transactions` is the ledger's from then on.
    this.#auditPool.on("connect", (client) => void client.query("set search_path = audit, public"));
  }

  async create(): Promise<void> {
    await this.#pool.query(
      `create schema audit;
       create table audit.transactions (
         id int primary key, user_id int, amount decimal(10, 2), card_type varchar, merchant_id int,
         -- Null where velocity, which needs it, must have put the record aside.
         created_at timestamp
       )`,
    );
  }

  async note(entries: readonly Entry[], judges: Judges = "both"): Promise<void> {
    if (judges === "nobody") return;
    await this.#pool.query(
      `insert into audit.transactions (id, user_id, amount, card_type, merchant_id, created_at)
       select id, user_id, cents / 100.0, card_type, merchant_id, case when $7 then created_at end
       from unnest($1::int[], $2::int[], $3::bigint[], $4::text[], $5::int[], $6::timestamp[])
         as new (id, user_id, cents, card_type, merchant_id, created_at)`,
      [...columnsOf(entries), judges === "both"],
    );
  }

  /** How many transactions each agent has yet to judge. Below 0: it has judged what it must not. */
  async left(): Promise<Record<AgentName, number>> {
    const { rows } = await this.#pool.query<Record<AgentName, number>>(
      `select count(*) - (select coalesce(sum(judged), 0)::bigint from fraud.progress where agent = 'profile') as profile,
              count(created_at) - (select coalesce(sum(judged), 0)::bigint from fraud.progress where agent = 'velocity') as velocity
       from audit.transactions`,
    );
    return rows[0] as Record<AgentName, number>;
  }

  /** `verify` on what is noted here. */
  verify(): Promise<Verification> {
    return verifyAlerts(this.#auditPool, {});
  }

  async close(): Promise<void> {
    await this.#auditPool.end();
  }
}

/** For `unnest`: ids, users, cents, cards, merchants, times. */
export function columnsOf(entries: readonly Entry[]): unknown[][] {
  return [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.userId),
    entries.map((entry) => entry.amountCents),
    entries.map((entry) => entry.cardType),
    entries.map((entry) => entry.merchantId),
    entries.map((entry) => entry.createdAt.replace("Z", "")),
  ];
}
