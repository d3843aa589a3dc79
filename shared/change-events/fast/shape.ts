import type { Matcher } from "./matcher.ts";
import { type Member, membersAt } from "./members.ts";
import * as SLOT from "./slots.ts";

/** A value of a message, by where it lies in the text. */
interface Leaf {
  readonly at: number;
  readonly end: number;
  readonly slot: number;
  /** Which of the fields to read, for those. */
  readonly field: number;
  /** Whether messages of this shape may have other values here. What is read may from the first on; what is skipped, once it has. */
  readonly varies: boolean;
}

/** What the learner has to know about a message besides its text: the plain path has read it without complaint. */
export interface Known {
  readonly op: string;
  /** The columns to read, in the order of the fields; empty where the row is of no interest. */
  readonly columns: readonly string[];
}

/** A message taken apart: everything is either between the leaves, or one of them. */
export interface Sketch {
  /** The message's text. */
  readonly text: Buffer;
  readonly leaves: readonly Leaf[];
  /** The text without the leaves. Messages that differ in it are of different shapes. */
  readonly skeleton: string;
  /** Columns that the row does not have. */
  readonly absent: readonly number[];
}

/** Values of a source that have a meaning, and values of an envelope; every other is ANY. */
const sourceSlots: Readonly<Record<string, number>> = {
  schema: SLOT.TEXT,
  table: SLOT.TEXT,
  ts_us: SLOT.COMMITTED_AT,
  lsn: SLOT.INTEGER_OR_NULL,
  txId: SLOT.INTEGER_OR_NULL,
};

/**
 * Takes a message apart. Undefined when it is not made as Debezium makes them, with a row, a source with ts_us and,
 * if at all, the schema first: the plain path reads those.
 */
export function sketchOf(message: Matcher, known: Known): Sketch | undefined {
  const root = membersAt(message, 0);
  if (root === undefined || root.end !== message.end) return undefined;
  const [first, second] = root.members;
  // As the plain path: exactly these two keys are the converter's wrapping.
  const isWrapped = root.members.length === 2 && first?.key === "schema" && second?.key === "payload";
  const envelope = isWrapped ? membersAt(message, second.at)?.members : root.members;
  // Of a part that comes twice the last one counts, and what only the other one has does not.
  if (envelope === undefined || hasRepeatedKeys(envelope)) return undefined;

  const leaves: Leaf[] = [];
  const keep = ({ at, end }: Member, slot: number, field = -1) => {
    leaves.push({ at, end, slot, field, varies: slot === SLOT.FIELD || slot === SLOT.COMMITTED_AT });
  };
  const found = new Set<number>();
  let hasSource = false;
  for (const member of envelope) {
    const inner = membersAt(message, member.at)?.members;
    if (member.key === "op") continue;
    if (member.key === "before") keep(member, SLOT.OBJECT_OR_NULL);
    else if (member.key === "after" && known.columns.length === 0) {
      // Of a deletion nobody looks at it; every other change must have a row here.
      keep(member, known.op === "d" ? SLOT.ANY : SLOT.OBJECT);
    } else if (member.key === "after") {
      // The same goes for a column.
      if (inner === undefined || hasRepeatedKeys(inner)) return undefined;
      for (const column of inner) {
        const field = known.columns.indexOf(column.key);
        if (field >= 0) found.add(field);
        keep(column, field < 0 ? SLOT.ANY : SLOT.FIELD, field);
      }
    } else if (member.key === "source") {
      if (inner === undefined) return undefined;
      hasSource = inner.some(({ key }) => key === "ts_us");
      for (const each of inner)
        keep(each, Object.hasOwn(sourceSlots, each.key) ? (sourceSlots[each.key] as number) : SLOT.ANY);
    } else keep(member, SLOT.ANY);
  }
  if (!hasSource) return undefined;

  const text = Buffer.from(message.bytes.subarray(0, message.end));
  let [skeleton, from] = ["", 0];
  for (const { at, end } of leaves) {
    skeleton += `${text.toString("latin1", from, at)}\0`;
    from = end;
  }
  skeleton += text.toString("latin1", from);
  return { text, leaves, skeleton, absent: known.columns.map((_, i) => i).filter((i) => !found.has(i)) };
}

function hasRepeatedKeys(members: readonly Member[]): boolean {
  return new Set(members.map(({ key }) => key)).size < members.length;
}

/** How many slots there are, and where the literals begin. */
const headBytes = 8;
/** Of each literal: its length, the slot behind it and the slot's field. */
const stepBytes = 12;

/**
 * What messages of one shape have in common, as a list: a stretch of text that is the same in all of them, the literal, a slot where
 * they differ, the next literal, and so on.
 */
export class Shape {
  readonly op: string;
  readonly skeleton: string;
  readonly absent: readonly number[];
  /** One more than there are slots. */
  #literals: readonly Buffer[] = [];
  #slots: readonly { readonly slot: number; readonly field: number }[] = [];
  readonly #fieldSlots: readonly number[];
  #text: Buffer;
  #leaves: readonly Leaf[];

  /** @param fieldSlots how each field is read in messages of this shape */
  constructor({ text, leaves, skeleton, absent }: Sketch, op: string, fieldSlots: readonly number[]) {
    this.#fieldSlots = fieldSlots;
    this.op = op;
    this.skeleton = skeleton;
    this.absent = absent;
    this.#text = text;
    this.#leaves = leaves;
    this.#compile();
  }

  /** Learns from another message of this shape: where it differs from those before, messages may differ. */
  generalise({ text, leaves }: Sketch): void {
    this.#leaves = this.#leaves.map((mine, i) => {
      const other = leaves[i];
      if (other === undefined) return mine;
      if (mine.slot === SLOT.DIGITS && !isWholeNumber(text.subarray(other.at, other.end)))
        return { ...mine, slot: SLOT.ANY, varies: true };
      if (mine.varies) return mine;
      const [my, others] = [this.#text.subarray(mine.at, mine.end), text.subarray(other.at, other.end)];
      const bothDigits = isWholeNumber(my) && isWholeNumber(others);
      return {
        ...mine,
        varies: !my.equals(others),
        slot: mine.slot === SLOT.ANY && bothDigits ? SLOT.DIGITS : mine.slot,
      };
    });
    this.#compile();
  }

  #compile(): void {
    const varying = this.#leaves.filter(({ varies }) => varies);
    const literals: Buffer[] = [];
    let from = 0;
    for (const { at, end } of varying) {
      literals.push(this.#text.subarray(from, at));
      from = end;
    }
    literals.push(this.#text.subarray(from));
    this.#literals = literals;
    this.#slots = varying.map(({ slot, field }) => ({ slot: this.#fieldSlots[field] ?? slot, field }));
  }

  /** Of what `write` writes. */
  get byteLength(): number {
    return this.#literals.reduce((sum, { length }) => sum + length, headBytes + stepBytes * this.#literals.length);
  }

  /** Writes the shape as assembly/matcher.ts walks along it. */
  write(memory: Buffer, at: number): void {
    memory.writeInt32LE(this.#slots.length, at);
    let literalAt = at + headBytes + stepBytes * this.#literals.length;
    memory.writeInt32LE(literalAt, at + 4);
    for (const [i, literal] of this.#literals.entries()) {
      const step = at + headBytes + stepBytes * i;
      memory.writeInt32LE(literal.length, step);
      memory.writeInt32LE(this.#slots[i]?.slot ?? 0, step + 4);
      memory.writeInt32LE(this.#slots[i]?.field ?? 0, step + 8);
      literal.copy(memory, literalAt);
      literalAt += literal.length;
    }
  }
}

/** Digits alone, as the slot DIGITS takes them: no sign, and no 0, which JSON has no digit behind. */
function isWholeNumber(value: Buffer): boolean {
  return /^[1-9][0-9]*$/.test(value.toString("latin1"));
}
