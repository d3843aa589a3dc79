import type { JsonScan, Member } from "./json-scan.ts";

/** What may stand in a place where messages of one shape differ. */
export const SLOT = {
  /** Any JSON value that nobody asks for. */
  any: 0,
  /** As `any`, where all values so far were whole numbers: most of what varies is a time. */
  digits: 1,
  /** A text, since the plain path insists on one: the schema and the table. */
  text: 2,
  /** The row before the change, or null. */
  objectOrNull: 3,
  /** A whole number or null: positions and transactions of the log. */
  integerOrNull: 4,
  /** When the change was committed. */
  committedAt: 5,
  /** A column that is read. It stands in a leaf; a shape has one of the following in its place, by the field's form and schema. */
  field: 6,
  /** What is tried before the field's own `read`: nothing, … */
  plainField: 7,
  integerField: 8,
  microsField: 9,
  textField: 10,
  decimalTextField: 11,
  decimalBase64Field: 12,
  /** … or either of the last two, by the look of the value. */
  decimalField: 13,
  /** A row that is not read. */
  object: 14,
} as const;

export type Slot = (typeof SLOT)[keyof typeof SLOT];

/** Text is compared eight bytes at a time, as one number: two are equal when their bits are, since UTF-8 has no NaN and no -0. */
export const wordBytes = 8;

/** A value of a message, by where it lies in the text. */
interface Leaf {
  readonly at: number;
  readonly end: number;
  readonly slot: Slot;
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

/** Values of a source that have a meaning, and values of an envelope; every other is `any`. */
const sourceSlots: Readonly<Record<string, Slot>> = {
  schema: SLOT.text,
  table: SLOT.text,
  ts_us: SLOT.committedAt,
  lsn: SLOT.integerOrNull,
  txId: SLOT.integerOrNull,
};

/**
 * Takes the message in `scan` apart. Undefined when it is not made as Debezium makes them, with a row, a source with ts_us and,
 * if at all, the schema first: the plain path reads those.
 */
export function sketchOf(scan: JsonScan, known: Known): Sketch | undefined {
  const root = scan.members(0);
  if (root === undefined || root.end !== scan.end) return undefined;
  const [first, second] = root.members;
  // As the plain path: exactly these two keys are the converter's wrapping.
  const isWrapped = root.members.length === 2 && first?.key === "schema" && second?.key === "payload";
  const envelope = isWrapped ? scan.members(second.at)?.members : root.members;
  // Of a part that comes twice the last one counts, and what only the other one has does not.
  if (envelope === undefined || new Set(envelope.map(({ key }) => key)).size < envelope.length) return undefined;

  const leaves: Leaf[] = [];
  const keep = ({ at, end }: Member, slot: Slot, field = -1) => {
    leaves.push({ at, end, slot, field, varies: slot === SLOT.field || slot === SLOT.committedAt });
  };
  const found = new Set<number>();
  let hasSource = false;
  for (const member of envelope) {
    const inner = scan.members(member.at)?.members;
    if (member.key === "op") continue;
    if (member.key === "before") keep(member, SLOT.objectOrNull);
    else if (member.key === "after" && known.columns.length === 0) {
      // Of a deletion nobody looks at it; every other change must have a row here.
      keep(member, known.op === "d" ? SLOT.any : SLOT.object);
    } else if (member.key === "after") {
      if (inner === undefined) return undefined;
      for (const column of inner) {
        const field = known.columns.indexOf(column.key);
        if (field >= 0) found.add(field);
        keep(column, field < 0 ? SLOT.any : SLOT.field, field);
      }
    } else if (member.key === "source") {
      if (inner === undefined) return undefined;
      hasSource = inner.some(({ key }) => key === "ts_us");
      for (const each of inner)
        keep(each, Object.hasOwn(sourceSlots, each.key) ? (sourceSlots[each.key] as Slot) : SLOT.any);
    } else keep(member, SLOT.any);
  }
  if (!hasSource) return undefined;

  const text = Buffer.from(scan.bytes.subarray(0, scan.end));
  let [skeleton, from] = ["", 0];
  for (const { at, end } of leaves) {
    skeleton += `${text.toString("latin1", from, at)}\0`;
    from = end;
  }
  skeleton += text.toString("latin1", from);
  return { text, leaves, skeleton, absent: known.columns.map((_, i) => i).filter((i) => !found.has(i)) };
}

/**
 * What messages of one shape have in common, as a list: a stretch of text that is the same in all of them, a slot where they
 * differ, the next stretch, and so on. In arrays of numbers, since this is walked for every message.
 */
export class Shape {
  readonly op: string;
  readonly skeleton: string;
  readonly absent: readonly number[];
  /** The stretches, one behind the other; stretch i ends at literalEnds[i], and slot i follows it. */
  literals: Buffer = Buffer.alloc(0);
  literalEnds = new Int32Array(0);
  /** The stretches as words of eight bytes; those of stretch i end at wordEnds[i]. The last one overlaps with the one before. */
  words = new Float64Array(0);
  wordEnds = new Int32Array(0);
  slots = new Uint8Array(0);
  fields = new Int32Array(0);
  readonly #fieldSlots: readonly Slot[];
  #text: Buffer;
  #leaves: readonly Leaf[];

  /** @param fieldSlots how each field is read in messages of this shape */
  constructor({ text, leaves, skeleton, absent }: Sketch, op: string, fieldSlots: readonly Slot[]) {
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
      if (mine.slot === SLOT.digits && !isWholeNumber(text.subarray(other.at, other.end)))
        return { ...mine, slot: SLOT.any };
      if (mine.varies) return mine;
      const [my, others] = [this.#text.subarray(mine.at, mine.end), text.subarray(other.at, other.end)];
      const bothDigits = isWholeNumber(my) && isWholeNumber(others);
      return {
        ...mine,
        varies: !my.equals(others),
        slot: mine.slot === SLOT.any && bothDigits ? SLOT.digits : mine.slot,
      };
    });
    this.#compile();
  }

  #compile(): void {
    const varying = this.#leaves.filter(({ varies }) => varies);
    const stretches: Buffer[] = [];
    let from = 0;
    for (const { at, end } of varying) {
      stretches.push(this.#text.subarray(from, at));
      from = end;
    }
    stretches.push(this.#text.subarray(from));
    this.literals = Buffer.concat(stretches);
    const words: number[] = [];
    this.wordEnds = Int32Array.from(stretches, (stretch) => addWords(words, stretch));
    this.words = Float64Array.from(words);
    let length = 0;
    this.literalEnds = Int32Array.from(stretches, (stretch) => {
      length += stretch.length;
      return length;
    });
    this.slots = Uint8Array.from(varying, ({ slot, field }) => this.#fieldSlots[field] ?? slot);
    this.fields = Int32Array.from(varying, ({ field }) => field);
  }
}

/** Without a sign: digits that follow, or end, are told from it by the text that comes next. */
function isWholeNumber(value: Buffer): boolean {
  return /^[1-9][0-9]*$/.test(value.toString("latin1"));
}

/** Answers how many there are then. */
function addWords(words: number[], stretch: Buffer): number {
  const last = stretch.length - wordBytes;
  for (let i = 0; i < last; i += wordBytes) words.push(stretch.readDoubleLE(i));
  if (last >= 0) words.push(stretch.readDoubleLE(last));
  return words.length;
}
