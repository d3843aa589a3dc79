import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { Amounts } from "./profile-threshold.ts";
import { mapEntryBytes, usersPerGeneration } from "./user-histories.ts";

/** A user's place in a chunk: how many amounts there are, which one is the oldest, their sum, and the amounts themselves. */
const COUNT = 0;
const OLDEST = 1;
const SUM = 2;
const FIRST = 3;

/** Users whose places are allocated together: little is unused, and little is copied when there are more. */
const usersPerChunk = 256;

/** The users who were seen since the last generation began, each with the number of a place. */
interface Generation {
  readonly places: Map<number, number>;
  readonly chunks: Float64Array[];
}

/**
 * The last amounts of each user, in a ring of fixed size that knows its sum, so that judging does not depend on how long the
 * history is. Users are forgotten by the same rule as in UserHistories.
 *
 * A user takes 8 × (historyMax + 3) bytes and an entry of a Map, 24 to 52 bytes: with 50 amounts at most 476 bytes. No user
 * has an object of their own, which would be more, and much more for the garbage collector.
 */
export class UserAmounts implements Amounts {
  readonly #historyMax: number;
  readonly #stride: number;
  #recent: Generation = { places: new Map(), chunks: [] };
  /** The generation before; its users move to the recent one when they come again. */
  #earlier: Generation = { places: new Map(), chunks: [] };
  /** The selected user's place. */
  #chunk = new Float64Array(0);
  #at = 0;

  constructor(historyMax: number) {
    this.#historyMax = historyMax;
    this.#stride = historyMax + FIRST;
  }

  /** Turns to a user; the other methods speak of them from then on. */
  select(userId: number): this {
    const place = this.#recent.places.get(userId);
    if (place !== undefined) this.#goTo(this.#recent, place);
    else this.#add(userId);
    return this;
  }

  #goTo({ chunks }: Generation, place: number): void {
    this.#chunk = chunks[Math.floor(place / usersPerChunk)] as Float64Array<ArrayBuffer>;
    this.#at = (place % usersPerChunk) * this.#stride;
  }

  #add(userId: number): void {
    const before = this.#earlier.places.get(userId);
    let known: Float64Array | undefined;
    if (before !== undefined) {
      this.#goTo(this.#earlier, before);
      known = this.#chunk.subarray(this.#at, this.#at + this.#stride);
      this.#earlier.places.delete(userId);
    }
    if (this.#recent.places.size === usersPerGeneration) {
      this.#earlier = this.#recent;
      this.#recent = { places: new Map(), chunks: [] };
    }
    this.#take(this.#recent, userId);
    if (known !== undefined) this.#chunk.set(known, this.#at);
  }

  /** Gives a user of this generation a place, an empty one. */
  #take(generation: Generation, userId: number): void {
    const place = generation.places.size;
    if (place % usersPerChunk === 0) generation.chunks.push(new Float64Array(usersPerChunk * this.#stride));
    generation.places.set(userId, place);
    this.#goTo(generation, place);
  }

  get count(): number {
    return this.#chunk[this.#at + COUNT] as number;
  }

  /** At most 1,000 amounts of 11 digits: a safe integer, so it stays exact however many come and go. */
  get sumCents(): number {
    return this.#chunk[this.#at + SUM] as number;
  }

  values(): number[] {
    const first = this.#at + FIRST;
    const oldest = first + (this.#chunk[this.#at + OLDEST] as number);
    const end = first + this.count;
    return [...this.#chunk.subarray(oldest, end), ...this.#chunk.subarray(first, oldest)];
  }

  /** Adds an amount, in the place of the oldest one when there is no other. */
  push(amountCents: number): void {
    const [chunk, at] = [this.#chunk, this.#at];
    const count = chunk[at + COUNT] as number;
    if (count < this.#historyMax) {
      chunk[at + FIRST + count] = amountCents;
      chunk[at + COUNT] = count + 1;
      chunk[at + SUM] = (chunk[at + SUM] as number) + amountCents;
      return;
    }
    const oldest = chunk[at + OLDEST] as number;
    const place = at + FIRST + oldest;
    chunk[at + SUM] = (chunk[at + SUM] as number) + amountCents - (chunk[place] as number);
    chunk[place] = amountCents;
    chunk[at + OLDEST] = oldest + 1 === count ? 0 : oldest + 1;
  }

  get bytes(): number {
    const places = this.#earlier.places.size + this.#recent.places.size;
    const chunks = this.#earlier.chunks.length + this.#recent.chunks.length;
    return chunks * usersPerChunk * this.#stride * Float64Array.BYTES_PER_ELEMENT + places * mapEntryBytes;
  }

  /** The same form as that of UserHistories. */
  encode(writer: ByteWriter): void {
    let previous = 0;
    for (const generation of [this.#earlier, this.#recent]) {
      writer.unsigned(generation.places.size);
      for (const [userId, place] of generation.places) {
        this.#goTo(generation, place);
        const [chunk, first, count] = [this.#chunk, this.#at + FIRST, this.count];
        let next = chunk[this.#at + OLDEST] as number;
        writer.signed(userId);
        writer.unsigned(count);
        for (let left = count; left > 0; left--) {
          const value = chunk[first + next] as number;
          writer.signed(value - previous);
          previous = value;
          if (++next === count) next = 0;
        }
      }
    }
  }

  /** Of histories that were stored with a greater `historyMax`, the newest part is kept. */
  static decode(reader: ByteReader, historyMax: number): UserAmounts {
    const amounts = new UserAmounts(historyMax);
    let previous = 0;
    for (const generation of [amounts.#earlier, amounts.#recent]) {
      for (let users = reader.unsigned(); users > 0; users--) {
        amounts.#take(generation, reader.signed());
        for (let length = reader.unsigned(); length > 0; length--) {
          previous += reader.signed();
          amounts.push(previous);
        }
      }
    }
    return amounts;
  }
}
