import { decodeRecord, type KafkaRecord } from "../envelope.ts";
import { ChangeEventError } from "../errors.ts";
import { type ColumnSchema, JsonRow, type Row } from "../row.ts";
import { Matcher, NOWHERE } from "./matcher.ts";
import { Shape, type Sketch, sketchOf } from "./shape.ts";
import * as SLOT from "./slots.ts";

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
  /** Where the matcher has it. */
  address: number;
}

/**
 * Reads a few columns of the rows in a stream of change events: decodeRecord and the readers of columns.ts, done faster.
 *
 * One message of a connector is like the next: the same keys in the same order, the same schema before them, the same
 * database and table. So the first message is taken apart, once, into what it has in common with its neighbours and where
 * it differs (shape.ts). Every later message is compared with that, byte by byte from its first to its last; the differing
 * values are checked to be JSON, and those asked for are read where they lie (assembly/matcher.ts). No object is made of it.
 *
 * A message that deviates in any way is read by the plain path, and learned from. So this never decides that a message is
 * wrong, it only passes on: values and errors are those of the plain path, always. The property test holds the two together.
 */
export class RowReader {
  /** What the last record that was read had to say; valid until the next one. */
  op: "c" | "r" | "u" | "d" | "t" | "m" | "tombstone" = "tombstone";
  committedAtMicros = 0;
  /** By field, for those that are texts. */
  readonly texts: (string | null)[];

  readonly #fields: readonly Field[];
  readonly #columns: readonly string[];
  readonly #textFields: readonly number[];
  readonly #knownTexts: KnownText[][];
  readonly #matcher: Matcher;
  #plans: Plan[] = [];
  /** Messages in a row that no shape fitted. */
  #strangers = 0;

  /** @param fields each of another column */
  constructor(fields: readonly Field[]) {
    this.#fields = fields;
    this.#columns = fields.map(({ column }) => column);
    const repeated = this.#columns.find((column, i) => this.#columns.indexOf(column) < i);
    if (repeated !== undefined) throw new TypeError(`There are two fields of column ${repeated}: read it once.`);
    this.#textFields = [...fields.keys()].filter((i) => fields[i]?.form === "text");
    this.#knownTexts = fields.map(() => []);
    this.#matcher = new Matcher(fields.map((field) => (field.form === "text" ? noBounds : field)));
    this.texts = fields.map(() => null);
  }

  /** By field, for those that are numbers: NaN is null. */
  get numbers(): Float64Array {
    return this.#matcher.numbers;
  }

  /** @throws {ChangeEventError} what decodeRecord or a field's `read` throws for this record */
  read(record: KafkaRecord): void {
    const { value } = record;
    if (value == null) {
      this.op = "tombstone";
      return;
    }
    const isBase64 = this.#matcher.loadBase64(value);
    if (isBase64 && this.#readKnownShape()) return;
    const row = this.#readPlainly(record);
    if (isBase64 && row !== undefined) this.#learn(row);
  }

  #readKnownShape(): boolean {
    for (let i = 0; i < this.#plans.length; i++) {
      const plan = this.#plans[i] as Plan;
      if (!this.#fits(plan) || !this.#matcher.isUtf8()) continue;
      this.op = plan.shape.op as RowReader["op"];
      this.committedAtMicros = this.#matcher.committedAtMicros;
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
    const sketch = sketchOf(this.#matcher, { op: this.op, columns: row === null ? [] : this.#columns });
    if (sketch === undefined) return;
    const known = this.#plans.find(({ shape }) => shape.op === this.op && shape.skeleton === sketch.skeleton);
    if (known) known.shape.generalise(sketch);
    else {
      const plan = this.#planOf(sketch, row);
      if (plan === undefined) return;
      this.#plans.unshift(plan);
      this.#plans.length = Math.min(this.#plans.length, shapesMax);
    }
    const addresses = this.#matcher.setShapes(this.#plans.map(({ shape }) => shape));
    for (const [i, plan] of this.#plans.entries()) plan.address = addresses[i] as number;
  }

  #planOf(sketch: Sketch, row: Row | null): Plan | undefined {
    const { absent } = sketch;
    // What a missing column reads as has to be the same for every message, and is made to be null.
    if (absent.some((i) => this.texts[i] !== null || !Number.isNaN(this.numbers[i]))) return undefined;
    if (row === null) return { shape: new Shape(sketch, this.op, []), schemas: [], address: 0 };
    let schemas: (ColumnSchema | undefined)[];
    try {
      schemas = this.#columns.map((column, i) => (absent.includes(i) ? undefined : row.schema(column)));
    } catch (error) {
      if (error instanceof ChangeEventError) return undefined;
      throw error;
    }
    const slots = this.#fields.map(({ form }, i) => slotOf(form, schemas[i]));
    return { shape: new Shape(sketch, this.op, slots), schemas, address: 0 };
  }

  /** Compares the message with a shape and reads its fields on the way. */
  #fits(plan: Plan): boolean {
    const plainCount = this.#matcher.match(plan.address);
    if (plainCount < 0) return false;
    for (const field of this.#textFields) this.#takeText(field);
    for (let i = 0; i < plainCount; i++) if (!this.#readPlainValue(i, plan)) return false;
    for (const i of plan.shape.absent) this.#setNull(i);
    return true;
  }

  /** A value of another form than the usual one: made by JSON.parse and read the plain way, but it alone. */
  #readPlainValue(index: number, plan: Plan): boolean {
    const { field, at, end } = this.#matcher.plain(index);
    const value: unknown = JSON.parse(this.#matcher.slice("utf8", at, end));
    const schema = plan.schemas[field];
    // A row of this column alone.
    const row = new JsonRow({ [this.#columns[field] as string]: value }, schema === undefined ? null : [schema]);
    try {
      this.#readField(field, row);
      return true;
    } catch (error) {
      // The plain path finds the same, and says it.
      if (error instanceof ChangeEventError) return false;
      throw error;
    }
  }

  #setNull(field: number): void {
    this.numbers[field] = Number.NaN;
    this.texts[field] = null;
  }

  #takeText(field: number): void {
    const start = this.#matcher.textStart(field);
    if (start !== NOWHERE) this.texts[field] = this.#textAt(field, start, this.#matcher.textEnd(field));
  }

  #textAt(field: number, start: number, end: number): string {
    const known = this.#knownTexts[field] as KnownText[];
    for (const { bytes, text } of known) {
      if (bytes.length !== end - start) continue;
      let i = 0;
      while (i < bytes.length && this.#matcher.byte(start + i) === bytes[i]) i++;
      if (i === bytes.length) return text;
    }
    const text = this.#matcher.slice("latin1", start, end);
    if (known.length < knownTextsMax && text.length <= knownTextBytesMax) {
      known.push({ bytes: Buffer.from(text, "latin1"), text });
    }
    return text;
  }
}

/** Texts have none. */
const noBounds = { minimum: Number.NaN, maximum: Number.NaN };

/** How a field is read: the schema says which form a decimal has; without one its own look does. */
function slotOf(form: Field["form"], schema: ColumnSchema | undefined): number {
  switch (form) {
    case "integer":
      return SLOT.INTEGER_FIELD;
    case "micros":
      return schema === undefined || schema.name === "io.debezium.time.MicroTimestamp"
        ? SLOT.MICROS_FIELD
        : SLOT.PLAIN_FIELD;
    case "text":
      return schema?.type === "bytes" ? SLOT.PLAIN_FIELD : SLOT.TEXT_FIELD;
    case "cents": {
      if (schema === undefined) return SLOT.DECIMAL_FIELD;
      if (schema.type !== "bytes") return SLOT.DECIMAL_TEXT_FIELD;
      const isOfCents = schema.name === "org.apache.kafka.connect.data.Decimal" && schema.parameters?.["scale"] === "2";
      return isOfCents ? SLOT.DECIMAL_BASE64_FIELD : SLOT.PLAIN_FIELD;
    }
  }
}
