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
  /** Judges a transaction against what came before it, then remembers it. */
  judge(transaction: Transaction): Finding | undefined;
  encode(writer: ByteWriter): void;
}

/** A fraud agent: a name, and the rules as a fold over transactions. */
export interface Agent {
  /** Names its rows in fraud.*: `profile`, `velocity`, … */
  readonly name: string;
  /** Part of the alert's id: raise it when a change of the rules should judge old transactions anew. */
  readonly ruleVersion: number;
  readonly needs: ReadonlySet<NeededColumn>;
  create(): Memory;
  /** The memory that `encode` wrote. */
  decode(reader: ByteReader): Memory;
}
