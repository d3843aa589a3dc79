import { setTimeout as sleep } from "node:timers/promises";
import { insertTransactions, TransactionSource } from "../../localstack/run/generator.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import type { Dice } from "./dice.ts";

/** A transaction whose time is not PostgreSQL's. */
export interface TimedTransaction {
  userId: number;
  amountCents: number;
  createdAtMicros: number;
}

const intervalMs = 200;
/** Behind by more than this, it does not make good for it: a machine that is busy is not helped by a burst. */
const behindMsMax = 1_000;
const askAgainMs = 200;
/** Of the rows that are there before: far enough apart that hardly any is an alert for the velocity agent. */
const pastIntervalMicros = 20_000;

/**
 * Inserts transactions all the time, the same ones for the same dice. One after the other: the audit assumes that the rows of
 * a user are committed in the order of their ids.
 */
export class Load {
  readonly #pool: Pool;
  readonly #source: TransactionSource;
  readonly #rowsPerBatch: number;
  readonly #tasks: (() => Promise<void>)[] = [];
  #stopped = true;
  #abandoned = false;
  #running: Promise<void> = Promise.resolve();

  constructor(pool: Pool, dice: Dice, rowsPerSecond: number) {
    this.#pool = pool;
    this.#source = new TransactionSource(() => dice.next());
    this.#rowsPerBatch = Math.max(1, Math.round((rowsPerSecond * intervalMs) / 1_000));
  }

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#running = this.#run();
  }

  /** Resolves when nothing is under way any more. */
  async pause(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Ends although PostgreSQL may be away for good. */
  async abandon(): Promise<void> {
    this.#abandoned = true;
    await this.pause();
  }

  /** Inserts this many at once, as if they had come at leisure until now. */
  async insertPast(rows: number): Promise<void> {
    const rowsPerStatement = 10_000;
    const nowMicros = Date.now() * 1_000;
    for (let left = rows; left > 0; left -= rowsPerStatement) {
      const batch = this.#next(Math.min(left, rowsPerStatement));
      await insertTimed(
        this.#pool,
        batch.map((each, i) => ({ ...each, createdAtMicros: nowMicros - (left - i) * pastIntervalMicros })),
      );
    }
  }

  /** Inserts these rows between two batches. Resolves when they are there. */
  insert(rows: readonly TimedTransaction[]): Promise<void> {
    return new Promise((resolve) => {
      this.#tasks.push(async () => {
        await this.#until(() => insertTimed(this.#pool, rows));
        resolve();
      });
    });
  }

  async #run(): Promise<void> {
    let dueMs = performance.now();
    while (!this.#stopped || this.#tasks.length > 0) {
      await this.#tasks.shift()?.();
      const batch = this.#next(this.#rowsPerBatch);
      await this.#until(() => insertTransactions(this.#pool, batch));
      dueMs = Math.max(dueMs + intervalMs, performance.now() - behindMsMax);
      await sleep(Math.max(0, dueMs - performance.now()));
    }
  }

  #next(count: number) {
    return Array.from({ length: count }, () => this.#source.next());
  }

  /** What was inserted although the answer was lost is there twice then, as two rows, which the agents and the audit both see. */
  async #until(insert: () => Promise<void>): Promise<void> {
    while (!this.#abandoned) {
      try {
        return await insert();
      } catch {
        await sleep(askAgainMs);
      }
    }
  }
}

async function insertTimed(pool: Pool, rows: readonly TimedTransaction[]): Promise<void> {
  await pool.query(
    `insert into transactions (user_id, amount, card_type, merchant_id, created_at)
     select user_id, cents / 100.0, 'VISA', 1, timestamp 'epoch' + micros * interval '1 microsecond'
     from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality as new (user_id, cents, micros, place)
     order by place`,
    [rows.map((row) => row.userId), rows.map((row) => row.amountCents), rows.map((row) => row.createdAtMicros)],
  );
}
