// What is written while the two designs read: a steady load in one order, and one with everything that can happen to a row.
import { setTimeout as sleep } from "node:timers/promises";
import {
  insertTransactions,
  type NewTransaction,
  rowsPerBatch,
  TransactionSource,
} from "../../localstack/run/generator.ts";
import { seededRandom } from "../../localstack/run/seeded-random.ts";
import type { Pool, PoolClient } from "../../shared/postgres/index.ts";
import type { Ledger } from "./accounting.ts";

/** Two batches a second, as the course's producer; smaller ones would hide how rows come. */
const batchesPerSecond = 2;
/** Besides the generator's own frauds, which come too rarely for a percentile: see bench/pipeline.ts. */
const plantedPerSecond = 10;
const plantedCents = { minimum: 90_000, maximum: 380_000 };

export class Batches {
  readonly #random: () => number;
  readonly #source: TransactionSource;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#source = new TransactionSource(this.#random);
  }

  next(rows: number, planted: number): NewTransaction[] {
    const batch = Array.from({ length: rows }, () => this.#source.next());
    for (let left = planted; left > 0; left -= 1) {
      const place = Math.floor(this.#random() * rows);
      const { minimum, maximum } = plantedCents;
      const amountCents = minimum + Math.floor(this.#random() * (maximum - minimum));
      batch[place] = { ...(batch[place] as NewTransaction), amountCents };
    }
    return batch;
  }
}

export interface SteadyLoad {
  readonly pool: Pool;
  readonly rowsPerSecond: number;
  readonly seed: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Told when the measured seconds begin and when they are over. */
  readonly onBegin: () => Promise<void>;
  readonly onEnd: () => Promise<void>;
}

/** Rows in the order of their ids, each batch a transaction of its own, by one writer: nothing is ever late. */
export async function steadyLoad(load: SteadyLoad): Promise<void> {
  const batches = new Batches(load.seed);
  const perBatch = Math.min(rowsPerBatch, Math.max(1, Math.round(load.rowsPerSecond / batchesPerSecond)));
  const intervalMs = (perBatch * 1000) / load.rowsPerSecond;
  const before = Math.round((load.warmUpSeconds * 1000) / intervalMs);
  const all = before + Math.round((load.seconds * 1000) / intervalMs);
  const plantedPerBatch = (plantedPerSecond * intervalMs) / 1000;
  const startedMs = performance.now();
  let owed = 0;
  for (let batch = 0; batch < all; batch += 1) {
    const waitMs = startedMs + batch * intervalMs - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    load.signal.throwIfAborted();
    if (batch === before) await load.onBegin();
    owed += plantedPerBatch;
    await insertTransactions(load.pool, batches.next(perBatch, Math.floor(owed)));
    owed -= Math.floor(owed);
  }
  const waitMs = startedMs + all * intervalMs - performance.now();
  if (waitMs > 0) await sleep(waitMs);
  await load.onEnd();
}

/** How the changing load is made; all of it runs at once. */
export const changing = {
  steady: { everyMs: 100, rows: 50 },
  /** Writers that keep a transaction open: its ids and its created_at are older than what others commit meanwhile. */
  slow: { writers: 3, rows: 20, holdMs: { minimum: 1_000, maximum: 5_000 } },
  updates: { everyMs: 200, rows: 5, againAfterMs: 20 },
  deletes: { everyMs: 500, rows: 5 },
  shortLived: { everyMs: 500, rows: 2, livesMs: 200 },
} as const;

/** Writes for so long, and returns what was committed. */
export async function changingLoad(
  pool: Pool,
  { seconds, seed, signal }: { seconds: number; seed: number; signal: AbortSignal },
): Promise<Ledger> {
  const random = seededRandom(seed);
  const batches = new Batches(seed);
  const ledger: Ledger = { inserted: [], updates: [], deletes: [] };
  /** Committed, not deleted, by rows that nobody else changes meanwhile. */
  const alive: number[] = [];
  const end = performance.now() + seconds * 1000;
  const isOver = () => signal.aborted || performance.now() >= end;
  const every = async (ms: number, work: () => Promise<void>) => {
    for (let due = performance.now(); !isOver(); due += ms) {
      await work();
      await sleep(Math.max(0, due + ms - performance.now()));
    }
  };
  const take = () => alive.splice(Math.floor(random() * alive.length), 1)[0];
  // No two versions of any row have the same amount by chance: an update is recognised by it.
  let nextCents = 1_000_000;
  const update = async (ids: readonly number[]) => {
    const cents = ids.map(() => nextCents++);
    await pool.query(
      `update transactions set amount = changed.cents / 100.0
       from unnest($1::int[], $2::bigint[]) as changed (id, cents) where transactions.id = changed.id`,
      [ids, cents],
    );
    ledger.updates.push(...ids.map((id, index) => ({ id, cents: cents[index] as number })));
  };
  const slowWriter = async (writerSeed: number) => {
    const own = seededRandom(writerSeed);
    const { minimum, maximum } = changing.slow.holdMs;
    while (!isOver()) {
      const client = await pool.connect();
      try {
        await client.query("begin");
        const rows = await insertReturning(client, batches.next(changing.slow.rows, 0));
        await sleep(minimum + own() * (maximum - minimum));
        await client.query("commit");
        ledger.inserted.push(...rows.map((row) => ({ ...row, by: "slow" as const })));
      } finally {
        client.release();
      }
    }
  };
  await Promise.all([
    every(changing.steady.everyMs, async () => {
      const rows = await insertReturning(pool, batches.next(changing.steady.rows, 0));
      ledger.inserted.push(...rows.map((row) => ({ ...row, by: "steady" as const })));
      alive.push(...rows.map(({ id }) => id));
    }),
    ...Array.from({ length: changing.slow.writers }, (_, index) => slowWriter(seed + 1 + index)),
    every(changing.updates.everyMs, async () => {
      const ids = Array.from({ length: changing.updates.rows }, take).filter((id) => id !== undefined);
      if (ids.length === 0) return;
      await update(ids);
      await sleep(changing.updates.againAfterMs);
      await update(ids.slice(0, 1));
      alive.push(...ids);
    }),
    every(changing.deletes.everyMs, async () => {
      const ids = Array.from({ length: changing.deletes.rows }, take).filter((id) => id !== undefined);
      await pool.query("delete from transactions where id = any ($1::int[])", [ids]);
      ledger.deletes.push(...ids);
    }),
    every(changing.shortLived.everyMs, async () => {
      const rows = await insertReturning(pool, batches.next(changing.shortLived.rows, 0));
      ledger.inserted.push(...rows.map((row) => ({ ...row, by: "shortLived" as const })));
      await sleep(changing.shortLived.livesMs);
      const ids = rows.map(({ id }) => id);
      await pool.query("delete from transactions where id = any ($1::int[])", [ids]);
      ledger.deletes.push(...ids);
    }),
  ]);
  signal.throwIfAborted();
  return ledger;
}

async function insertReturning(
  target: Pool | PoolClient,
  transactions: readonly NewTransaction[],
): Promise<{ id: number; cents: number }[]> {
  const { rows } = await target.query<{ id: number; cents: number }>(
    `insert into transactions (user_id, amount, card_type, merchant_id)
     select user_id, cents / 100.0, card_type, merchant_id
     from unnest($1::int[], $2::bigint[], $3::text[], $4::int[]) as new (user_id, cents, card_type, merchant_id)
     returning id, (amount * 100)::int as cents`,
    [
      transactions.map((each) => each.userId),
      transactions.map((each) => each.amountCents),
      transactions.map((each) => each.cardType),
      transactions.map((each) => each.merchantId),
    ],
  );
  return rows;
}
