import {
  type ChangeEvent,
  ChangeEventError,
  optional,
  type Row,
  readCents,
  readInteger,
  readText,
  readTimestampMicros,
} from "../change-events/index.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";

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

/** Columns that not every rule needs. A rule names the ones without which it cannot judge. */
export type NeededColumn = "card_type" | "created_at";

/** decimal(10,2) ends here. More than this is a mistake upstream, and sums of it would leave the safe integers. */
const amountCentsMax = 9_999_999_999;

/** Event times outside of these years are mistakes upstream. */
const createdAtYears = { first: 2000, last: 2099 } as const;

// The stored form holds numbers, and differences of neighbours, of up to 52 bits and a sign.
const readId = within(readInteger, 1, 2 ** 52 - 1);
const readMerchantIdIfAny = ifAny(within(readInteger, -(2 ** 52), 2 ** 52 - 1));
// fraud.alerts.user_id is an int. Were the column retyped to a bigint, a greater id would fail the whole batch, not its record.
const readUserId = within(readInteger, -(2 ** 31), 2 ** 31 - 1);
const readAmountCents = within(readCents, 0, amountCentsMax);
const readCreatedAtMicros = within(
  readTimestampMicros,
  Date.UTC(createdAtYears.first, 0, 1) * 1000,
  Date.UTC(createdAtYears.last + 1, 0, 1) * 1000 - 1,
);
const readCreatedAtMicrosIfAny = ifAny(readCreatedAtMicros);
const readCardTypeIfAny = ifAny(readText);

/**
 * The transaction that an insert (c) or a snapshot row (r) carries; null for every other change, which agents ignore.
 *
 * @throws {ChangeEventError} when a column that is needed is missing, null or absurd
 */
export function transactionOf(event: ChangeEvent, needs: ReadonlySet<NeededColumn>): Transaction | null {
  if (event.op !== "c" && event.op !== "r") return null;
  const row = event.after;
  return {
    id: readId(row, "id"),
    userId: readUserId(row, "user_id"),
    amountCents: readAmountCents(row, "amount"),
    cardType: (needs.has("card_type") ? readText : readCardTypeIfAny)(row, "card_type"),
    merchantId: readMerchantIdIfAny(row, "merchant_id"),
    createdAtMicros: (needs.has("created_at") ? readCreatedAtMicros : readCreatedAtMicrosIfAny)(row, "created_at"),
  };
}

type Read<T> = (row: Row, column: string) => T;

/** For a column that the rules at hand do not need, which must not stop them: what cannot be read counts as not there. */
function ifAny<T>(read: Read<T>): Read<T | null> {
  const readOptional = optional(read);
  return (row, column) => {
    try {
      return readOptional(row, column);
    } catch (error) {
      if (error instanceof ChangeEventError) return null;
      throw error;
    }
  };
}

function within(read: Read<number>, minimum: number, maximum: number): Read<number> {
  return (row, column) => {
    const value = read(row, column);
    if (value >= minimum && value <= maximum) return value;
    throw new ChangeEventError(
      "CHANGE_EVENT_VALUE_OUT_OF_RANGE",
      `column ${column} is ${value}, and only ${minimum} to ${maximum} can be meant: correct the row at its source`,
      { column },
    );
  };
}

/** A later form of the encoding gets another number, so that changes stored before a deployment can still be read. */
const encodingVersion = 1;

/** Transactions in the order given, about 12 bytes each: neighbours have ids and times close to one another. */
export function encodeTransactions(transactions: readonly Transaction[]): Uint8Array {
  const writer = new ByteWriter();
  const cards = new Map<string | null, number>();
  let [id, createdAtMicros] = [0, 0];
  writer.unsigned(encodingVersion);
  writer.unsigned(transactions.length);
  for (const transaction of transactions) {
    writer.signed(transaction.id - id);
    id = transaction.id;
    writer.signed(transaction.userId);
    writer.unsigned(transaction.amountCents);
    writeNullable(writer, transaction.merchantId, (value) => writer.signed(value));
    writeNullable(writer, transaction.createdAtMicros, (value) => {
      writer.signed(value - createdAtMicros);
      createdAtMicros = value;
    });
    // A card type is written once and then known by its number.
    const known = cards.get(transaction.cardType);
    writer.unsigned(known ?? cards.size);
    if (known === undefined) {
      cards.set(transaction.cardType, cards.size);
      writeNullable(writer, transaction.cardType, (value) => writer.text(value));
    }
  }
  return writer.finish();
}

export function decodeTransactions(bytes: Uint8Array): Transaction[] {
  const reader = new ByteReader(bytes);
  const version = reader.unsigned();
  if (version !== encodingVersion)
    throw new RangeError(`Stored transactions have version ${version}; this code reads ${encodingVersion}.`);
  const cards: (string | null)[] = [];
  let [id, createdAtMicros] = [0, 0];
  return Array.from({ length: reader.unsigned() }, () => {
    id += reader.signed();
    const userId = reader.signed();
    const amountCents = reader.unsigned();
    const merchantId = readNullable(reader, () => reader.signed());
    const created = readNullable(reader, () => {
      createdAtMicros += reader.signed();
      return createdAtMicros;
    });
    const card = reader.unsigned();
    if (card === cards.length) cards.push(readNullable(reader, () => reader.text()));
    return { id, userId, amountCents, merchantId, createdAtMicros: created, cardType: cards[card] ?? null };
  });
}

function writeNullable<T>(writer: ByteWriter, value: T | null, write: (value: T) => void): void {
  writer.unsigned(value === null ? 0 : 1);
  if (value !== null) write(value);
}

function readNullable<T>(reader: ByteReader, read: () => T): T | null {
  return reader.unsigned() === 0 ? null : read();
}
