import type { ByteReader, ByteWriter } from "./bytes.ts";

/** That many users are remembered for certain, and up to twice as many in all. */
export const usersPerGeneration = 250_000;

/** What an entry of a Map takes: from 24 bytes in a full one to 52 in one that has just grown. */
export const mapEntryBytes = 52;

/** What a list takes besides eight bytes for each number, with the room that it keeps for more. */
const listBytes = 160;

/**
 * A list of whole numbers for each user, oldest first.
 *
 * Bounded by forgetting users: never while fewer than 250,000 others have come since their last transaction, surely once
 * 500,000 have. Event time has no part in it, so one row with a wrong clock cannot make a partition forget everybody.
 *
 * A user takes about 210 bytes and 8 for each number: an agent that only needs the last few of them, and their sum, takes less
 * with a ring as in UserAmounts.
 *
 * Users in the order of their last transactions would be exact, but taking the first key out of a large Map is slow: V8 walks
 * over the holes that earlier deletions left, 85 µs each time at this size.
 */
export class UserHistories {
  #recent = new Map<number, number[]>();
  /** The generation before; its users move to the recent one when they come again. */
  #earlier = new Map<number, number[]>();

  get bytes(): number {
    let bytes = (this.#earlier.size + this.#recent.size) * (mapEntryBytes + listBytes);
    for (const generation of [this.#earlier, this.#recent]) {
      for (const history of generation.values()) bytes += 8 * history.length;
    }
    return bytes;
  }

  /** The user's list, to be changed in place: empty for one who is new, or was forgotten. */
  of(userId: number): number[] {
    const recent = this.#recent.get(userId);
    if (recent !== undefined) return recent;
    const history = this.#earlier.get(userId) ?? [];
    this.#earlier.delete(userId);
    if (this.#recent.size === usersPerGeneration) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(userId, history);
    return history;
  }

  /** Each number as its difference from the one before: amounts take no more room so, and times far less. */
  encode(writer: ByteWriter): void {
    let previous = 0;
    for (const generation of [this.#earlier, this.#recent]) {
      writer.unsigned(generation.size);
      for (const [userId, history] of generation) {
        writer.signed(userId);
        writer.unsigned(history.length);
        for (const value of history) {
          writer.signed(value - previous);
          previous = value;
        }
      }
    }
  }

  /** Of lists that were stored with a greater `lengthMax`, the newest part is kept. */
  static decode(reader: ByteReader, lengthMax: number): UserHistories {
    const histories = new UserHistories();
    let previous = 0;
    for (const generation of [histories.#earlier, histories.#recent]) {
      for (let users = reader.unsigned(); users > 0; users--) {
        const userId = reader.signed();
        const history: number[] = [];
        for (let length = reader.unsigned(); length > 0; length--) {
          previous += reader.signed();
          if (length <= lengthMax) history.push(previous);
        }
        generation.set(userId, history);
      }
    }
    return histories;
  }
}
