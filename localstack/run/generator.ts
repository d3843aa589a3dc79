import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "../../shared/postgres/index.ts";

export interface NewTransaction {
  userId: number;
  amountCents: number;
  cardType: "VISA" | "MASTERCARD" | "AMEX";
  merchantId: number;
}

/** The course's ranges. */
export const users = { first: 1000, last: 9999 };
export const merchants = 500;
export const cardTypes = ["VISA", "MASTERCARD", "AMEX"] as const;
export const amountCents = { minimum: 500, maximum: 500_000 };

/** A user's usual amount lies between these; what they spend scatters around it (a log-normal distribution). */
const usualCents = { minimum: 1_000, maximum: 12_000 };
const scatter = 0.4;

/** One in this many transactions is planted as an amount far above what its user usually spends. */
const transactionsPerProfileFraud = 2_500;
/** One in this many is the start of a burst: small amounts at once, then a large one. */
const transactionsPerBurst = 2_500;
const burst = { small: 6, largeCents: { minimum: 400_001, maximum: 499_999 } };
const profileFraudCents = { minimum: 90_000, maximum: 380_000 };

/**
 * Realistic transactions, with frauds of both kinds planted among them.
 *
 * A user's usual amount depends on the user's number alone: it is the same in the next run, whose transactions the agents
 * compare with this one's.
 */
export class TransactionSource {
  readonly #random: () => number;
  #queue: NewTransaction[] = [];

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  next(): NewTransaction {
    const queued = this.#queue.shift();
    if (queued) return queued;
    if (this.#random() < 1 / transactionsPerBurst) {
      this.#queue = this.#planBurst();
      return this.next();
    }
    const userId = this.#between(users.first, users.last);
    const isFraud = this.#random() < 1 / transactionsPerProfileFraud;
    return this.#transaction(
      userId,
      isFraud ? this.#between(profileFraudCents.minimum, profileFraudCents.maximum) : this.#usual(userId),
    );
  }

  #planBurst(): NewTransaction[] {
    const userId = this.#between(users.first, users.last);
    const small = Array.from({ length: burst.small }, () => this.#transaction(userId, this.#usual(userId)));
    return [...small, this.#transaction(userId, this.#between(burst.largeCents.minimum, burst.largeCents.maximum))];
  }

  #transaction(userId: number, cents: number): NewTransaction {
    return {
      userId,
      amountCents: cents,
      cardType: cardTypes[this.#between(0, cardTypes.length - 1)] ?? "VISA",
      merchantId: this.#between(1, merchants),
    };
  }

  #usual(userId: number): number {
    // Knuth's multiplicative hash spreads neighbouring numbers over the whole range.
    const place = ((userId * 2_654_435_761) % 2 ** 32) / 2 ** 32;
    const usual = usualCents.minimum * (usualCents.maximum / usualCents.minimum) ** place;
    const cents = Math.round(usual * Math.exp(scatter * this.#gaussian()));
    return Math.min(Math.max(cents, amountCents.minimum), amountCents.maximum);
  }

  /** Box and Muller's transform of two uniform numbers. */
  #gaussian(): number {
    return Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random());
  }

  #between(first: number, last: number): number {
    return first + Math.floor(this.#random() * (last - first + 1));
  }
}

/** The course's batch, and how often it comes at the course's rate. */
export const rowsPerBatch = 1_000;
export const batchIntervalMs = 500;

/** Inserts the transactions as one statement, in their order. */
export async function insertTransactions(pool: Pool, transactions: readonly NewTransaction[]): Promise<void> {
  await pool.query(
    `insert into transactions (user_id, amount, card_type, merchant_id)
     select user_id, cents / 100.0, card_type, merchant_id
     from unnest($1::int[], $2::bigint[], $3::text[], $4::int[]) with ordinality as new (user_id, cents, card_type, merchant_id, place)
     order by place`,
    [
      transactions.map((each) => each.userId),
      transactions.map((each) => each.amountCents),
      transactions.map((each) => each.cardType),
      transactions.map((each) => each.merchantId),
    ],
  );
}

/**
 * Inserts `rowsPerSecond` transactions a second until the signal comes: 1,000 rows each half second at the course's rate,
 * smaller batches below it, more frequent ones above. While PostgreSQL is away it waits and goes on where it was.
 */
export async function generate(
  pool: Pool,
  rowsPerSecond: number,
  {
    signal,
    onRows,
    onTrouble,
  }: { signal: AbortSignal; onRows: (rows: number) => void; onTrouble: (error: unknown) => void },
): Promise<void> {
  const source = new TransactionSource();
  const rows = Math.max(1, Math.min(rowsPerBatch, Math.round((rowsPerSecond * batchIntervalMs) / 1000)));
  const intervalMs = (rows / rowsPerSecond) * 1000;
  let dueMs = performance.now();
  while (!signal.aborted) {
    const batch = Array.from({ length: rows }, () => source.next());
    try {
      await insertTransactions(pool, batch);
      onRows(rows);
    } catch (error) {
      onTrouble(error);
      await sleep(1_000, undefined, { signal }).catch(() => {});
    }
    dueMs += intervalMs;
    const waitMs = dueMs - performance.now();
    // A machine that cannot keep up does not try to make good for it later with one big burst.
    if (waitMs < -1_000) dueMs = performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
  }
}
