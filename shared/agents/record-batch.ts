import type { TopicPartition } from "./store.ts";
import type { Transaction, TransactionSlot } from "./transaction.ts";

/** What a record is to the fold. */
export const RECORD = {
  /** An update, a delete and the like: it only moves the watermark. */
  ignored: 0,
  /** A transaction that was just made. */
  live: 1,
  /** A transaction that a snapshot read. */
  historical: 2,
} as const;

/** The order of a transaction's numbers. */
export const COLUMN = { id: 0, userId: 1, amountCents: 2, merchantId: 3, createdAtMicros: 4 } as const;

const capacityMin = 1_024;

/**
 * The records of one partition, in the order of their offsets, as the fold takes them in. In columns: with an object for each
 * record, making and collecting the objects would take longer than judging what is in them.
 */
export class RecordBatch implements TopicPartition {
  topic = "";
  partition = 0;
  length = 0;
  #capacity = capacityMin;
  #kinds = new Uint8Array(capacityMin);
  #offsets = new Float64Array(capacityMin);
  /** Microseconds since 1970. */
  #committedAt = new Float64Array(capacityMin);
  #ids = new Float64Array(capacityMin);
  #userIds = new Float64Array(capacityMin);
  #amounts = new Float64Array(capacityMin);
  /** NaN is null, in the two that may be. */
  #merchants = new Float64Array(capacityMin);
  #createdAt = new Float64Array(capacityMin);
  readonly #cardTypes: (string | null)[] = [];

  /** Empties the batch for the records of another partition. */
  reset({ topic, partition }: TopicPartition): this {
    this.topic = topic;
    this.partition = partition;
    // Texts are of any length, and would stay.
    this.#cardTypes.fill(null);
    this.length = 0;
    return this;
  }

  addIgnored(offset: number): void {
    const index = this.#next(offset);
    this.#kinds[index] = RECORD.ignored;
  }

  /**
   * Adds a transaction by its columns: as an object it would be made, copied and collected for each record.
   *
   * @param numbers in the order of COLUMN; NaN is null
   */
  add(
    offset: number,
    kind: number,
    committedAtMicros: number,
    numbers: Float64Array,
    cardType: Transaction["cardType"],
  ): void {
    const index = this.#next(offset);
    this.#kinds[index] = kind;
    this.#committedAt[index] = committedAtMicros;
    this.#ids[index] = numbers[COLUMN.id] as number;
    this.#userIds[index] = numbers[COLUMN.userId] as number;
    this.#amounts[index] = numbers[COLUMN.amountCents] as number;
    this.#merchants[index] = numbers[COLUMN.merchantId] as number;
    this.#createdAt[index] = numbers[COLUMN.createdAtMicros] as number;
    this.#cardTypes[index] = cardType;
  }

  #next(offset: number): number {
    if (this.length === this.#capacity) this.#grow();
    const index = this.length++;
    this.#offsets[index] = offset;
    return index;
  }

  kind(index: number): number {
    return this.#kinds[index] as number;
  }

  offset(index: number): number {
    return this.#offsets[index] as number;
  }

  committedAtMicros(index: number): number {
    return this.#committedAt[index] as number;
  }

  /** Fills `slot` with the transaction at this index. */
  read(index: number, slot: TransactionSlot): void {
    slot.id = this.#ids[index] as number;
    slot.userId = this.#userIds[index] as number;
    slot.amountCents = this.#amounts[index] as number;
    slot.cardType = this.#cardTypes[index] as string | null;
    slot.merchantId = numberOrNull(this.#merchants[index] as number);
    slot.createdAtMicros = numberOrNull(this.#createdAt[index] as number);
  }

  #grow(): void {
    this.#capacity *= 2;
    const larger = (column: Float64Array) => {
      const copy = new Float64Array(this.#capacity);
      copy.set(column);
      return copy;
    };
    const kinds = new Uint8Array(this.#capacity);
    kinds.set(this.#kinds);
    this.#kinds = kinds;
    this.#offsets = larger(this.#offsets);
    this.#committedAt = larger(this.#committedAt);
    this.#ids = larger(this.#ids);
    this.#userIds = larger(this.#userIds);
    this.#amounts = larger(this.#amounts);
    this.#merchants = larger(this.#merchants);
    this.#createdAt = larger(this.#createdAt);
  }
}

/** NaN stands for null in a column of numbers. */
function numberOrNull(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
