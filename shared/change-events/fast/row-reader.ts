import { decodeRecord, type KafkaRecord } from "../envelope.ts";
import { ChangeEventError } from "../errors.ts";
import { type ColumnSchema, JsonRow, type Row } from "../row.ts";
import { isPlainText, JsonScan, LOWER_N, MINUS, NOWHERE, OPEN_BRACE, POINT, QUOTE, ZERO } from "./json-scan.ts";
import { Shape, type Sketch, SLOT, type Slot, sketchOf, wordBytes } from "./shape.ts";

/** A column to read, and how. */
export type Field = NumberField | TextField;

export interface NumberField {
  readonly column: string;
  /**
   * What it usually is. Then it is read straight from the bytes, as readInteger, readCents and readTimestampMicros without options
   * read it: `read` must be one of these, whatever it adds for values outside of the range.
   */
  readonly form: "integer" | "cents" | "micros";
  /** Numbers outside of this range are left to `read`. */
  readonly minimum: number;
  readonly maximum: number;
  /**
   * The plain way: what the column of a row means. It may look at nothing else than this column, and throws ChangeEventError
   * for what it refuses.
   */
  readonly read: (row: Row) => number | null;
}

export interface TextField {
  readonly column: string;
  readonly form: "text";
  /** As readText, or null for what it refuses. */
  readonly read: (row: Row) => string | null;
}

/** More than a topic has at a time: inserts, updates, deletes and snapshot rows, each with the columns of the day. */
const shapesMax = 16;
/** Messages that no shape fits are learned from, up to this many in a row; after that only now and then. */
const strangersMax = 64;
const strangersPerLesson = 256;

/** From here on the system's own comparison is faster than a loop. */
const nativeCompareBytesMin = 768;

/** From here on a time without schema is taken for microseconds: see time.ts. */
const microsMin = 1e14;
/** Amounts before the point up to this one are safe integers in cents. */
const wholeMax = 1e13;

/** Texts that a column is known to have, so that no new string is made for each row. */
const knownTextsMax = 16;
const knownTextBytesMax = 32;

interface KnownText {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** A shape, and the fields' schemas, which are part of it. */
interface Plan {
  readonly shape: Shape;
  readonly schemas: readonly (ColumnSchema | undefined)[];
}

/**
 * Reads a few columns of the rows in a stream of change events: decodeRecord and the readers of columns.ts, done faster.
 *
 * One message of a connector is like the next: the same keys in the same order, the same schema before them, the same
 * database and table. So the first message is taken apart, once, into what it has in common with its neighbours and where
 * it differs (shape.ts). Every later message is compared with that, byte by byte from its first to its last; the differing
 * values are checked to be JSON, and those asked for are read where they lie. No object is made of it.
 *
 * A message that deviates in any way is read by the plain path, and learned from. So this never decides that a message is
 * wrong, it only passes on: values and errors are those of the plain path, always. The property test holds the two together.
 */
export class RowReader {
  /** What the last record that was read had to say; valid until the next one. */
  op: "c" | "r" | "u" | "d" | "t" | "m" | "tombstone" = "tombstone";
  committedAtMicros = 0;
  /** By field, for those that are numbers: NaN is null. */
  readonly numbers: Float64Array;
  /** By field, for those that are texts. */
  readonly texts: (string | null)[];

  readonly #fields: readonly Field[];
  readonly #columns: readonly string[];
  readonly #minimums: Float64Array;
  readonly #maximums: Float64Array;
  readonly #knownTexts: KnownText[][];
  readonly #scan = new JsonScan();
  #plans: Plan[] = [];
  /** Messages in a row that no shape fitted. */
  #strangers = 0;

  constructor(fields: readonly Field[]) {
    this.#fields = fields;
    this.#columns = fields.map(({ column }) => column);
    this.#minimums = Float64Array.from(fields, (field) => (field.form === "text" ? Number.NaN : field.minimum));
    this.#maximums = Float64Array.from(fields, (field) => (field.form === "text" ? Number.NaN : field.maximum));
    this.#knownTexts = fields.map(() => []);
    this.numbers = new Float64Array(fields.length).fill(Number.NaN);
    this.texts = fields.map(() => null);
  }

  /** @throws {ChangeEventError} what decodeRecord or a field's `read` throws for this record */
  read(record: KafkaRecord): void {
    const { value } = record;
    if (value == null) {
      this.op = "tombstone";
      return;
    }
    const isBase64 = this.#scan.loadBase64(value);
    if (isBase64 && this.#readKnownShape()) return;
    const row = this.#readPlainly(record);
    if (isBase64 && row !== undefined) this.#learn(row);
  }

  #readKnownShape(): boolean {
    for (let i = 0; i < this.#plans.length; i++) {
      const plan = this.#plans[i] as Plan;
      if (!this.#fits(plan) || !this.#scan.isUtf8()) continue;
      this.op = plan.shape.op as RowReader["op"];
      // The next message is most likely of the same shape.
      if (i > 0) {
        this.#plans[i] = this.#plans[0] as Plan;
        this.#plans[0] = plan;
      }
      this.#strangers = 0;
      return true;
    }
    return false;
  }

  /** Answers the row whose columns were read, null for a change whose row is of no interest, undefined for what is not to be learned. */
  #readPlainly(record: KafkaRecord): Row | null | undefined {
    const decoded = decodeRecord(record);
    if (decoded.kind === "tombstone") {
      this.op = "tombstone";
      return undefined;
    }
    const { event } = decoded;
    const row = event.op === "c" || event.op === "r" ? event.after : null;
    if (row !== null) for (let i = 0; i < this.#fields.length; i++) this.#readField(i, row);
    this.op = event.op;
    this.committedAtMicros = event.source.committedAtMicros;
    return event.op === "t" || event.op === "m" ? undefined : row;
  }

  #readField(index: number, row: Row): void {
    const field = this.#fields[index] as Field;
    if (field.form === "text") this.texts[index] = field.read(row);
    else this.numbers[index] = field.read(row) ?? Number.NaN;
  }

  #learn(row: Row | null): void {
    this.#strangers++;
    if (this.#strangers > strangersMax && this.#strangers % strangersPerLesson !== 0) return;
    const sketch = sketchOf(this.#scan, { op: this.op, columns: row === null ? [] : this.#columns });
    if (sketch === undefined) return;
    const known = this.#plans.find(({ shape }) => shape.op === this.op && shape.skeleton === sketch.skeleton);
    if (known) {
      known.shape.generalise(sketch);
      return;
    }
    const plan = this.#planOf(sketch, row);
    if (plan === undefined) return;
    this.#plans.unshift(plan);
    this.#plans.length = Math.min(this.#plans.length, shapesMax);
  }

  #planOf(sketch: Sketch, row: Row | null): Plan | undefined {
    const { absent } = sketch;
    // What a missing column reads as has to be the same for every message, and is made to be null.
    if (absent.some((i) => this.texts[i] !== null || !Number.isNaN(this.numbers[i]))) return undefined;
    if (row === null) return { shape: new Shape(sketch, this.op, []), schemas: [] };
    let schemas: (ColumnSchema | undefined)[];
    try {
      schemas = this.#columns.map((column, i) => (absent.includes(i) ? undefined : row.schema(column)));
    } catch (error) {
      if (error instanceof ChangeEventError) return undefined;
      throw error;
    }
    const slots = this.#fields.map(({ form }, i) => slotOf(form, schemas[i]));
    return { shape: new Shape(sketch, this.op, slots), schemas };
  }

  /** Compares the message with a shape and reads its fields on the way. */
  #fits(plan: Plan): boolean {
    const { literals, literalEnds, words, wordEnds, slots, fields, absent } = plan.shape;
    const scan = this.#scan;
    const { bytes, view } = scan;
    const slotCount = slots.length;
    // In the message, in what all messages have in common, and in the words of that.
    let [at, from, word] = [0, 0, 0];
    for (let i = 0; ; i++) {
      const to = literalEnds[i] as number;
      const length = to - from;
      const wordEnd = wordEnds[i] as number;
      if (at + length > scan.end) return false;
      if (length >= nativeCompareBytesMin) {
        if (literals.compare(bytes, at, at + length, from, to) !== 0) return false;
      } else if (length >= wordBytes) {
        let position = at;
        for (; word < wordEnd - 1; word++, position += wordBytes) {
          if (view.getFloat64(position, true) !== words[word]) return false;
        }
        if (view.getFloat64(at + length - wordBytes, true) !== words[word]) return false;
      } else {
        for (let j = 0; j < length; j++) if (bytes[at + j] !== literals[from + j]) return false;
      }
      word = wordEnd;
      at += length;
      from = to;
      if (i === slotCount) break;
      at = this.#behindSlot(at, slots[i] as number, plan, fields[i] as number);
      if (at === NOWHERE) return false;
    }
    // Exactly here: behind a text that was cut off lies what is left of an earlier one, and may go on as it would have.
    if (at !== scan.end) return false;
    for (const i of absent) this.#setNull(i);
    return true;
  }

  /** Behind the value that begins at `at`; read, where it is to be read. */
  #behindSlot(at: number, slot: number, plan: Plan, field: number): number {
    const scan = this.#scan;
    const first = scan.bytes[at] as number;
    let end: number;
    switch (slot) {
      case SLOT.digits:
        return first === ZERO ? NOWHERE : scan.skipDigits(at);
      case SLOT.integerField:
        end = this.#readInteger(at, field);
        break;
      case SLOT.microsField:
        end = this.#readMicros(at, field);
        break;
      case SLOT.textField:
        end = this.#readText(at, field);
        break;
      case SLOT.decimalTextField:
        end = this.#readDecimalText(at, field);
        break;
      case SLOT.decimalBase64Field:
        end = this.#readDecimalBase64(at, field, false);
        break;
      case SLOT.decimalField:
        end = this.#readDecimalText(at, field);
        if (end === NOWHERE) end = this.#readDecimalBase64(at, field, true);
        break;
      case SLOT.committedAt:
        return this.#readCommittedAt(at);
      case SLOT.integerOrNull:
        return first === LOWER_N ? scan.skipValue(at) : scan.scanInteger(at);
      case SLOT.any:
        return scan.skipValue(at);
      case SLOT.text:
        return scan.skipString(at);
      case SLOT.object:
        return first === OPEN_BRACE ? scan.skipValue(at) : NOWHERE;
      case SLOT.objectOrNull:
        return first === OPEN_BRACE || first === LOWER_N ? scan.skipValue(at) : NOWHERE;
      default:
        // A plain field: nothing quicker is known.
        end = NOWHERE;
    }
    return end === NOWHERE ? this.#readPlainlyAt(at, plan, field) : end;
  }

  #readCommittedAt(at: number): number {
    const end = this.#scan.scanInteger(at);
    if (end !== NOWHERE) this.committedAtMicros = this.#scan.integer;
    return end;
  }

  /** A value of another form than the usual one: made by JSON.parse and read the plain way, but it alone. */
  #readPlainlyAt(at: number, plan: Plan, field: number): number {
    const end = this.#scan.skipValue(at);
    if (end === NOWHERE) return NOWHERE;
    const value: unknown = JSON.parse(this.#scan.bytes.toString("utf8", at, end));
    const schema = plan.schemas[field];
    // A row of this column alone.
    const row = new JsonRow({ [this.#columns[field] as string]: value }, schema === undefined ? null : [schema]);
    try {
      this.#readField(field, row);
    } catch (error) {
      // The plain path finds the same, and says it.
      if (error instanceof ChangeEventError) return NOWHERE;
      throw error;
    }
    return end;
  }

  #setNumber(field: number, value: number): boolean {
    if (value < (this.#minimums[field] as number) || value > (this.#maximums[field] as number)) return false;
    this.numbers[field] = value;
    return true;
  }

  #setNull(field: number): void {
    this.numbers[field] = Number.NaN;
    this.texts[field] = null;
  }

  #readInteger(at: number, field: number): number {
    const scan = this.#scan;
    const isNegative = scan.bytes[at] === MINUS;
    const end = scan.scanInteger(isNegative ? at + 1 : at);
    // -0 is for the plain path to know.
    if (end === NOWHERE || (isNegative && scan.integer === 0)) return NOWHERE;
    return this.#setNumber(field, isNegative ? -scan.integer : scan.integer) ? end : NOWHERE;
  }

  #readMicros(at: number, field: number): number {
    const end = this.#scan.scanInteger(at);
    if (end === NOWHERE || this.#scan.integer < microsMin) return NOWHERE;
    return this.#setNumber(field, this.#scan.integer) ? end : NOWHERE;
  }

  /** Decimal text as Debezium writes it in string mode: "1234.56". */
  #readDecimalText(at: number, field: number): number {
    const scan = this.#scan;
    const { bytes } = scan;
    if (bytes[at] !== QUOTE) return NOWHERE;
    const point = scan.scanInteger(at + 1);
    if (point === NOWHERE || bytes[point] !== POINT) return NOWHERE;
    const tenths = ((bytes[point + 1] as number) - ZERO) >>> 0;
    const hundredths = ((bytes[point + 2] as number) - ZERO) >>> 0;
    if (tenths > 9 || hundredths > 9 || bytes[point + 3] !== QUOTE || scan.integer > wholeMax) return NOWHERE;
    return this.#setNumber(field, scan.integer * 100 + tenths * 10 + hundredths) ? point + 4 : NOWHERE;
  }

  /** An unscaled value of scale 2 and at most five bytes, as Debezium writes a decimal(10,2) in precise mode: "AeJA". */
  #readDecimalBase64(at: number, field: number, couldBeText: boolean): number {
    const { bytes } = this.#scan;
    if (bytes[at] !== QUOTE) return NOWHERE;
    let end = at + 1;
    let [unscaled, isText] = [0, true];
    for (; ; end++) {
      const digit = base64Digits[bytes[end] as number] as number;
      if (digit < 0) break;
      if (digit < 52 && bytes[end] !== LOWER_E && bytes[end] !== UPPER_E) isText = false;
      unscaled = unscaled * 64 + digit;
    }
    const digits = end - at - 1;
    while (bytes[end] === EQUALS) end++;
    const length = end - at - 1;
    const padding = length - digits;
    // Eight letters without padding may be "Infinity", and four that begin with a plus "+NaN".
    if (bytes[end] !== QUOTE || (length !== 4 && length !== 8) || padding > 2) return NOWHERE;
    if ((length === 8 && padding === 0) || bytes[at + 1] === PLUS) return NOWHERE;
    if (couldBeText && isText && padding === 0) return NOWHERE;
    // The last digit's bits that belong to no byte are dropped, as every decoder does.
    const whole = Math.floor(unscaled / 4 ** padding);
    const bits = 2 ** (6 * digits - 2 * padding);
    return this.#setNumber(field, whole >= bits / 2 ? whole - bits : whole) ? end + 1 : NOWHERE;
  }

  /** Text of plain ASCII without escapes. */
  #readText(at: number, field: number): number {
    const { bytes } = this.#scan;
    if (bytes[at] !== QUOTE) return NOWHERE;
    const first = at + 1;
    let end = first;
    while (isPlainText[bytes[end] as number] === 1) end++;
    if (bytes[end] !== QUOTE) return NOWHERE;
    const text = this.#textOf(field, first, end);
    // Debezium's placeholder for a value that is not there begins so, or so in base64.
    if (text.startsWith("__") || text.startsWith("X1")) return NOWHERE;
    this.texts[field] = text;
    return end + 1;
  }

  #textOf(field: number, first: number, end: number): string {
    const { bytes } = this.#scan;
    const known = this.#knownTexts[field] as KnownText[];
    for (const each of known) {
      if (each.bytes.length !== end - first) continue;
      let i = 0;
      while (i < each.bytes.length && bytes[first + i] === each.bytes[i]) i++;
      if (i === each.bytes.length) return each.text;
    }
    const text = bytes.toString("latin1", first, end);
    if (known.length < knownTextsMax && text.length <= knownTextBytesMax) {
      known.push({ bytes: Uint8Array.from(bytes.subarray(first, end)), text });
    }
    return text;
  }
}

/** How a field is read: the schema says which form a decimal has; without one its own look does. */
function slotOf(form: Field["form"], schema: ColumnSchema | undefined): Slot {
  switch (form) {
    case "integer":
      return SLOT.integerField;
    case "micros":
      return schema === undefined || schema.name === "io.debezium.time.MicroTimestamp"
        ? SLOT.microsField
        : SLOT.plainField;
    case "text":
      return schema?.type === "bytes" ? SLOT.plainField : SLOT.textField;
    case "cents": {
      if (schema === undefined) return SLOT.decimalField;
      if (schema.type !== "bytes") return SLOT.decimalTextField;
      const isOfCents = schema.name === "org.apache.kafka.connect.data.Decimal" && schema.parameters?.["scale"] === "2";
      return isOfCents ? SLOT.decimalBase64Field : SLOT.plainField;
    }
  }
}

const PLUS = 0x2b;
const EQUALS = 0x3d;
const UPPER_E = 0x45;
const LOWER_E = 0x65;

/** By character code: its six bits, or -1. */
const base64Digits = new Int8Array(256).fill(-1);
for (const [i, each] of Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").entries()) {
  base64Digits[each] = i;
}
