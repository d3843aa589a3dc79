/** A row of public.transactions as the rules see it. */
export interface Transaction {
  readonly id: number;
  readonly userId: number;
  readonly amountCents: number;
  /** Null where the row has none, or the table no longer has the column: a rule that needs it asks for it. */
  readonly cardType: string | null;
  readonly merchantId: number | null;
  /** Event time, microseconds since 1970. */
  readonly createdAtMicros: number | null;
}

/** A transaction whose place the next one takes: a stream of them needs one object instead of millions. */
export type TransactionSlot = { -readonly [Column in keyof Transaction]: Transaction[Column] };

export function emptyTransaction(): TransactionSlot {
  return { id: 0, userId: 0, amountCents: 0, cardType: null, merchantId: null, createdAtMicros: null };
}

/** Columns that not every rule needs. A rule names the ones without which it cannot judge. */
export type NeededColumn = "card_type" | "created_at";
