import { seededRandom } from "../../localstack/run/seeded-random.ts";

/** Seeded chance: the same seed throws the same numbers everywhere. */
export class Dice {
  /** From 0, and below 1. */
  readonly next: () => number;

  constructor(seed: number) {
    this.next = seededRandom(seed);
  }

  /** A whole number from `first` to `last`. */
  between(first: number, last: number): number {
    return first + Math.floor(this.next() * (last - first + 1));
  }

  pick<T>(list: readonly [T, ...T[]]): T;
  pick<T>(list: readonly T[]): T | undefined;
  pick<T>(list: readonly T[]): T | undefined {
    return list[this.between(0, list.length - 1)];
  }

  /** Dice of their own for a part, so that what one part throws does not change what the next one gets. */
  fork(): Dice {
    return new Dice(this.between(0, 2 ** 31 - 1));
  }
}
