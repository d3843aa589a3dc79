import { ByteReader, ByteWriter } from "./bytes.ts";
import { emptyTransaction, type Transaction } from "./transaction.ts";

/** A later form of the encoding gets another number, so that changes stored before a deployment can still be read. */
const encodingVersion = 1;

/**
 * Transactions as fraud.changes stores them, in the order given, about 12 bytes each: neighbours have ids and times close to
 * one another, so the difference is what is written.
 */
export class TransactionWriter {
  readonly #writer = new ByteWriter();
  readonly #cards = new Map<string | null, number>();
  #id = 0;
  #createdAtMicros = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add({ id, userId, amountCents, merchantId, createdAtMicros, cardType }: Transaction): void {
    const writer = this.#writer;
    this.#count++;
    writer.signed(id - this.#id);
    this.#id = id;
    writer.signed(userId);
    writer.unsigned(amountCents);
    writer.unsigned(merchantId === null ? 0 : 1);
    if (merchantId !== null) writer.signed(merchantId);
    writer.unsigned(createdAtMicros === null ? 0 : 1);
    if (createdAtMicros !== null) {
      writer.signed(createdAtMicros - this.#createdAtMicros);
      this.#createdAtMicros = createdAtMicros;
    }
    this.#addCard(cardType);
  }

  /** A card type is written once and then known by its number. */
  #addCard(cardType: string | null): void {
    const known = this.#cards.get(cardType);
    this.#writer.unsigned(known ?? this.#cards.size);
    if (known !== undefined) return;
    this.#cards.set(cardType, this.#cards.size);
    this.#writer.unsigned(cardType === null ? 0 : 1);
    if (cardType !== null) this.#writer.text(cardType);
  }

  finish(): Uint8Array {
    const head = new ByteWriter();
    head.unsigned(encodingVersion);
    head.unsigned(this.#count);
    return Buffer.concat([head.finish(), this.#writer.finish()]);
  }
}

/** Hands over each stored transaction, in order and in the same object, and answers how many there were. */
export function forEachTransaction(bytes: Uint8Array, work: (transaction: Transaction) => void): number {
  const reader = new ByteReader(bytes);
  const version = reader.unsigned();
  if (version !== encodingVersion)
    throw new RangeError(`Stored transactions have version ${version}; this code reads ${encodingVersion}.`);
  const count = reader.unsigned();
  const transaction = emptyTransaction();
  const cards: (string | null)[] = [];
  let createdAtMicros = 0;
  for (let left = count; left > 0; left--) {
    transaction.id += reader.signed();
    transaction.userId = reader.signed();
    transaction.amountCents = reader.unsigned();
    transaction.merchantId = reader.unsigned() === 0 ? null : reader.signed();
    const hasTime = reader.unsigned() !== 0;
    if (hasTime) createdAtMicros += reader.signed();
    transaction.createdAtMicros = hasTime ? createdAtMicros : null;
    const card = reader.unsigned();
    if (card === cards.length) cards.push(reader.unsigned() === 0 ? null : reader.text());
    transaction.cardType = cards[card] ?? null;
    work(transaction);
  }
  return count;
}
