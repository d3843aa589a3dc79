// Which alerts must come, computed a second time from the rules as docs/architecture.md has them: in whole cents, and with none of
// the agents' code.
import { TransactionStream } from "./change-events.ts";

const historyMax = 50;
const historyMin = 3;
const amountAboveCents = 50_000;
const threshold = 3;

const windowMicros = 60_000_000;
const countAbove = 5;
const largeAboveCents = 400_000;

export type AgentName = "profile" | "velocity";

/** The transactions that an agent must raise an alert for. */
export class AlertSet {
  readonly #has: Uint8Array;
  #count = 0;

  /** @param records ids are 1 to this */
  constructor(records: number) {
    this.#has = new Uint8Array(records + 1);
  }

  get count(): number {
    return this.#count;
  }

  /** False when it was there already. */
  add(transactionId: number): boolean {
    if (this.#has[transactionId] === 1) return false;
    this.#has[transactionId] = 1;
    this.#count += 1;
    return true;
  }

  has(transactionId: number): boolean {
    return this.#has[transactionId] === 1;
  }

  /** What differs in another's ids; `doubled` are ids that came more than once. */
  compare(ids: Iterable<number>): Comparison {
    const found = new AlertSet(this.#has.length - 1);
    let [unexpected, doubled] = [0, 0];
    const examples: number[] = [];
    for (const id of ids) {
      if (!found.add(id)) doubled += 1;
      else if (!this.has(id)) unexpected += 1;
      else continue;
      if (examples.length < examplesMax) examples.push(id);
    }
    const missing = this.#count - (found.count - unexpected);
    for (let id = 1; examples.length < examplesMax && missing > 0 && id < this.#has.length; id += 1) {
      if (this.has(id) && !found.has(id)) examples.push(id);
    }
    return { count: found.count, missing, unexpected, doubled, examples };
  }
}

/** Ids that a report shows of those that differ. */
const examplesMax = 5;

export interface Comparison {
  readonly count: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly doubled: number;
  readonly examples: readonly number[];
}

export function agrees({ missing, unexpected, doubled }: Comparison): boolean {
  return missing === 0 && unexpected === 0 && doubled === 0;
}

export interface Reference {
  readonly profile: AlertSet;
  readonly velocity: AlertSet;
  /** Judgements in which the amount is exactly three times the mean: where an agent that counts in floats may err. */
  readonly ties: number;
  /** Judgements that come out otherwise in double precision, as the Python agents have it. */
  readonly floatDifferences: number;
}

export function referenceOf(seed: number, records: number): Reference {
  const stream = new TransactionStream(seed);
  const amounts = new Map<number, number[]>();
  const times = new Map<number, number[]>();
  const reference = { profile: new AlertSet(records), velocity: new AlertSet(records), ties: 0, floatDifferences: 0 };
  for (let i = 0; i < records; i += 1) {
    stream.next();
    const { amountCents, createdAtMicros, id, userId } = stream;
    const history = listOf(amounts, userId);
    if (history.length >= historyMin && amountCents > amountAboveCents) {
      let [sum, floatSum] = [0, 0];
      for (const each of history) {
        sum += each;
        floatSum += each / 100;
      }
      const left = amountCents * history.length;
      const isAlert = left > threshold * sum;
      if (isAlert) reference.profile.add(id);
      if (left === threshold * sum) reference.ties += 1;
      if (isAlert !== amountCents / 100 > threshold * (floatSum / history.length)) reference.floatDifferences += 1;
    }
    history.push(amountCents);
    if (history.length > historyMax) history.shift();

    const recent = listOf(times, userId);
    recent.push(createdAtMicros);
    while ((recent[0] ?? createdAtMicros) < createdAtMicros - windowMicros) recent.shift();
    if (recent.length > countAbove && amountCents > largeAboveCents) reference.velocity.add(id);
  }
  return reference;
}

function listOf(lists: Map<number, number[]>, userId: number): number[] {
  let list = lists.get(userId);
  if (list === undefined) {
    list = [];
    lists.set(userId, list);
  }
  return list;
}
