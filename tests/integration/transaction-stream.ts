import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../localstack/run/seeded-random.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { columnsOf, type Entry, type Judges, type Ledger } from "./ledger.ts";

/** What a column of `transactions` gets, as SQL over an entry: `id, user_id, cents, card_type, merchant_id, created_at`. */
export type Columns = Readonly<Record<string, string>>;

export const declaredColumns: Columns = {
  id: "id",
  user_id: "user_id",
  amount: "cents / 100.0",
  card_type: "card_type",
  merchant_id: "merchant_id",
  created_at: "created_at",
};

/** Few users, so that each has a history and a busy window within seconds. */
const users = { first: 1_000, count: 200 };
const cardTypes = ["VISA", "MASTERCARD", "AMEX"];
/** One in twenty is above velocity's amount, one in twenty suspicious to profile alone, the others make the mean. */
const largeShare = 0.05;
const amountCents = { usual: [500, 12_000], suspicious: [60_000, 120_000], large: [400_001, 499_999] } as const;

const rowsPerInsert = 25;

/** Inserts transactions at a steady rate, each into its table and into the ledger at once, while the table changes. */
export class TransactionStream {
  columns: Columns = declaredColumns;
  readonly #pool: Pool;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  #nextId = 1;
  /** Whoever writes or changes the table waits for the one before. */
  #turn: Promise<unknown> = Promise.resolve();
  #failure: unknown;
  #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(pool: Pool, ledger: Ledger, seed: number) {
    this.#pool = pool;
    this.#ledger = ledger;
    this.#random = seededRandom(seed);
  }

  get nextId(): number {
    return this.#nextId;
  }

  start(rowsPerSecond: number): void {
    this.#stopped = new AbortController();
    this.#running = this.#run(rowsPerSecond, this.#stopped.signal);
  }

  async #run(rowsPerSecond: number, stopped: AbortSignal): Promise<void> {
    let dueMs = performance.now();
    while (!stopped.aborted) {
      try {
        await this.inTurn(() => this.write(this.draw(rowsPerInsert)));
      } catch (error) {
        this.#failure = error;
        return;
      }
      dueMs += (rowsPerInsert / rowsPerSecond) * 1_000;
      // What was held up is made good for at once.
      await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal: stopped }).catch(() => {});
    }
  }

  /** Ends when the last row is written. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    if (this.#failure !== undefined) throw new Error("the stream broke off", { cause: this.#failure });
  }

  /** Waits until this many rows more have been written. */
  async flow(rows: number): Promise<void> {
    const until = this.#nextId + rows;
    while (this.#nextId < until) {
      if (this.#failure !== undefined) throw new Error("the stream broke off", { cause: this.#failure });
      await sleep(10);
    }
  }

  /** Does something with the table while no row is being written. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Changes the table; from then on, rows are written into these columns. In turn. */
  async alter(sql: string, columns: Columns): Promise<void> {
    await this.#pool.query(sql);
    this.columns = columns;
  }

  /** Entries with the next ids. */
  draw(count: number): Entry[] {
    return Array.from({ length: count }, () => ({
      id: this.#nextId++,
      userId: users.first + Math.floor(this.#random() * users.count),
      amountCents: this.#amountCents(),
      cardType: cardTypes[Math.floor(this.#random() * cardTypes.length)] ?? null,
      merchantId: 1 + Math.floor(this.#random() * 500),
      createdAt: new Date().toISOString(),
    }));
  }

  /** In turn. `columns` may hold something else than usual. */
  async write(entries: readonly Entry[], judges: Judges = "both", columns = this.columns): Promise<void> {
    const names = Object.keys(columns).map((name) => `"${name}"`);
    await this.#ledger.note(entries, judges);
    await this.#pool.query(
      `insert into public.transactions (${names.join(", ")})
       select ${Object.values(columns).join(", ")}
       from unnest($1::int[], $2::int[], $3::bigint[], $4::text[], $5::int[], $6::timestamp[])
         as new (id, user_id, cents, card_type, merchant_id, created_at)
       order by new.id`,
      columnsOf(entries),
    );
  }

  #amountCents(): number {
    const dice = this.#random();
    const kind = dice < largeShare ? "large" : dice < 2 * largeShare ? "suspicious" : "usual";
    const [least, most] = amountCents[kind];
    return least + Math.floor(this.#random() * (most - least + 1));
  }
}
