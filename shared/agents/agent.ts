import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { NeededColumn, Transaction } from "./transaction.ts";

/** What a rule found wrong with a transaction. */
export interface Finding {
  readonly rule: string;
  /** The figures behind it, as they are stored in fraud.alerts.reason. */
  readonly reason: object;
}

/**
 * What an agent remembers of one partition. `judge` must depend on nothing but the transactions that it was given before,
 * in their order: no clock, no randomness. That is what makes replaying them give the same memory and the same findings.
 */
export interface Memory {
  /** Judges a transaction against what came before it, then remembers it. The next one comes in the same object: keep values, not it. */
  judge(transaction: Transaction): Finding | undefined;
  /** What it takes in main memory, roughly. It is asked for rarely, and may be counted then. */
  readonly bytes: number;
  encode(writer: ByteWriter): void;
}

/** A fraud agent: a name, and the rules as a fold over transactions. */
export interface Agent {
  /** Names its rows in fraud.*: `profile`, `velocity`, … */
  readonly name: string;
  /**
   * Which form of the rules raised an alert: part of its id. Raise it with a change of the rules, so that the alerts of one form
   * are told from those of the other. It counts from then on; what was judged before is not judged again.
   */
  readonly ruleVersion: number;
  readonly needs: ReadonlySet<NeededColumn>;
  create(): Memory;
  /** The memory that `encode` wrote. */
  decode(reader: ByteReader): Memory;
}
