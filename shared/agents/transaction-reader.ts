import {
  ChangeEventError,
  type ColumnReader,
  type Field,
  type KafkaRecord,
  optional,
  type Row,
  RowReader,
  readCents,
  readInteger,
  readText,
  readTimestampMicros,
} from "../change-events/index.ts";
import { RECORD, type RecordBatch } from "./record-batch.ts";
import type { NeededColumn } from "./transaction.ts";

interface Range {
  readonly minimum: number;
  readonly maximum: number;
}

/** The stored form holds numbers, and differences of neighbours, of up to 52 bits and a sign. */
const storable: Range = { minimum: -(2 ** 52), maximum: 2 ** 52 - 1 };

const ids: Range = { minimum: 1, maximum: storable.maximum };

// fraud.alerts.user_id is an int. Were the column retyped to a bigint, a greater id would fail the whole batch, not its record.
const userIds: Range = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 };

/** In cents. decimal(10,2) ends here. More than this is a mistake upstream, and sums of it would leave the safe integers. */
const amounts: Range = { minimum: 0, maximum: 9_999_999_999 };

/** In microseconds since 1970. Event times outside of the years 2000 to 2099 are mistakes upstream. */
const times: Range = { minimum: Date.UTC(2000, 0, 1) * 1000, maximum: Date.UTC(2100, 0, 1) * 1000 - 1 };

/** The card type comes behind the numbers. */
const CARD_TYPE = 5;

/** In the order of COLUMN. */
function fieldsFor(needs: ReadonlySet<NeededColumn>): readonly Field[] {
  return [
    numberField("id", "integer", readInteger, ids, { isNeeded: true }),
    numberField("user_id", "integer", readInteger, userIds, { isNeeded: true }),
    numberField("amount", "cents", readCents, amounts, { isNeeded: true }),
    numberField("merchant_id", "integer", readInteger, storable, { isNeeded: false }),
    numberField("created_at", "micros", readTimestampMicros, times, { isNeeded: needs.has("created_at") }),
    textField("card_type", { isNeeded: needs.has("card_type") }),
  ];
}

/** Whether a record is refused in which the column cannot be read. */
interface Need {
  readonly isNeeded: boolean;
}

function numberField(
  column: string,
  form: "integer" | "cents" | "micros",
  readColumn: ColumnReader<number, []>,
  range: Range,
  { isNeeded }: Need,
): Field {
  const read = within(readColumn, range);
  const wanted = isNeeded ? read : ifAny(read);
  return { column, form, ...range, read: (row) => wanted(row, column) };
}

function textField(column: string, { isNeeded }: Need): Field {
  const wanted = isNeeded ? readText : ifAny(readText);
  return { column, form: "text", read: (row) => wanted(row, column) };
}

type Read<T> = (row: Row, column: string) => T;

/** For a column that the rules at hand do not need, which must not stop them: what cannot be read counts as not there. */
function ifAny<T>(read: Read<T>): Read<T | null> {
  const readOptional = optional(read);
  return (row, column) => {
    try {
      return readOptional(row, column);
    } catch (error) {
      if (error instanceof ChangeEventError) return null;
      throw error;
    }
  };
}

function within(read: Read<number>, { minimum, maximum }: Range): Read<number> {
  return (row, column) => {
    const value = read(row, column);
    if (value >= minimum && value <= maximum) return value;
    throw new ChangeEventError(
      "CHANGE_EVENT_VALUE_OUT_OF_RANGE",
      `column ${column} is ${value}, and only ${minimum} to ${maximum} can be meant: correct the row at its source`,
      { column },
    );
  };
}

/** Reads the transactions out of the records of public.transactions. Keep one: it learns what the records look like. */
export class TransactionReader {
  readonly #rows: RowReader;

  constructor(needs: ReadonlySet<NeededColumn>) {
    this.#rows = new RowReader(fieldsFor(needs));
  }

  /**
   * Adds a record to the batch: the transaction of an insert (c) or a snapshot row (r); any other change as one to ignore.
   *
   * @throws {ChangeEventError} when the record is no change event, or a column that is needed is missing, null or absurd; the
   *   batch is then as it was
   */
  readInto(batch: RecordBatch, record: KafkaRecord & { readonly offset: number }): void {
    const rows = this.#rows;
    rows.read(record);
    const { op, numbers, texts } = rows;
    if (op !== "c" && op !== "r") {
      batch.addIgnored(record.offset);
      return;
    }
    const kind = op === "r" ? RECORD.historical : RECORD.live;
    batch.add(record.offset, kind, rows.committedAtMicros, numbers, texts[CARD_TYPE] as string | null);
  }
}
