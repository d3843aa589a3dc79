import { readCents, readTimestampMicros } from "./columns.ts";
import { type ChangeEvent, decodeChangeEvent } from "./envelope.ts";
import { ChangeEventError } from "./errors.ts";
import type { Row } from "./row.ts";
import { isoOfMicros } from "./time.ts";

type Cells = Readonly<Record<string, unknown>>;

/** A change event as a person reads it: amounts as decimals, times as times. */
export interface ShownChange {
  /** null for a tombstone. */
  readonly op: ChangeEvent["op"] | null;
  readonly table?: string;
  readonly before?: Cells | null;
  readonly after?: Cells | null;
  readonly committedAt?: string;
  readonly lsn?: number | null;
  readonly txId?: number | null;
  readonly message?: { readonly prefix: string; readonly content: string };
}

export interface Shown {
  readonly partition: number;
  readonly offset: number;
  /** When the broker has it from. */
  readonly timestamp: string;
  readonly key: string | null;
  /** The text, or, where change events are asked for and this is none, what is wrong with it. */
  readonly value?: string | null;
  readonly change?: ShownChange;
  readonly undecodable?: string;
}

/** A message as a Kafka client hands it over. */
export interface ReadMessage {
  readonly offset: string | number;
  /** Milliseconds since 1970. */
  readonly timestamp: string | number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export function shownOf(partition: number, message: ReadMessage, decode: boolean): Shown {
  const position = {
    partition,
    offset: Number(message.offset),
    timestamp: new Date(Number(message.timestamp)).toISOString(),
    key: message.key === null ? null : decode ? keyOf(message.key) : String(message.key),
  };
  const value = message.value === null ? null : String(message.value);
  if (!decode) return { ...position, value };
  try {
    return { ...position, change: message.value === null ? { op: null } : shownChangeOf(message.value) };
  } catch (error) {
    if (!(error instanceof ChangeEventError)) throw error;
    return { ...position, value, undecodable: `no change event: ${error.message}` };
  }
}

/** Debezium's key is JSON with the columns of the primary key, with or without a schema around: `1`, or `user_id=1 day=7`. */
function keyOf(key: Buffer): string {
  try {
    const parsed = JSON.parse(String(key)) as { payload?: object } | number | string;
    const columns = typeof parsed === "object" ? (parsed.payload ?? parsed) : parsed;
    if (typeof columns !== "object") return String(columns);
    const values = Object.entries(columns);
    return values.length === 1 ? String(values[0]?.[1]) : values.map(([name, value]) => `${name}=${value}`).join(" ");
  } catch {
    return String(key);
  }
}

/** @throws {ChangeEventError} when the value is no change event */
export function shownChangeOf(value: Uint8Array): ShownChange {
  const event = decodeChangeEvent(value);
  const { op, source, before, after } = event;
  return {
    op,
    table: `${source.schema}.${source.table}`,
    before: before && cellsOf(before),
    after: after && cellsOf(after),
    committedAt: isoOfMicros(source.committedAtMicros),
    lsn: source.lsn,
    txId: source.txId,
    ...(event.op === "m" ? { message: event.message } : {}),
  };
}

function cellsOf(row: Row): Cells {
  return Object.fromEntries(row.columns().map((column) => [column, cellOf(row, column)]));
}

/** A column as SQL would show it, where the message says what it is; else as it is written. */
function cellOf(row: Row, column: string): unknown {
  const value = row.value(column);
  const name = value === null ? undefined : (row.schema(column)?.name ?? undefined);
  try {
    if (name === "org.apache.kafka.connect.data.Decimal") return (readCents(row, column) / 100).toFixed(2);
    if (name !== undefined && /^(io\.debezium\.time\.(\w*Timestamp)|org\..*\.Timestamp)$/.test(name)) {
      return isoOfMicros(readTimestampMicros(row, column));
    }
  } catch {
    // Beyond what the agents take: shown as it is.
  }
  return value;
}

/** The row of a change in one line: what it was read or written as, or what of it went. */
export function describeChange({ op, before, after, message }: ShownChange): string {
  if (op === null) return "tombstone";
  if (message !== undefined) return `${message.prefix}: ${message.content}`;
  const cells = after ?? before;
  if (cells == null) return "";
  // PostgreSQL gives the key of a row that is gone, and Debezium what is as good as nothing for the other columns.
  const isThere = ([, value]: [string, unknown]) => op !== "d" || (value !== null && value !== "");
  return Object.entries(cells)
    .filter(isThere)
    .map(([name, value]) => {
      const was = op === "u" && before != null && name in before ? before[name] : value;
      return was === value ? `${name}=${cell(value)}` : `${name}=${cell(was)}→${cell(value)}`;
    })
    .join(" ");
}

const cell = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
