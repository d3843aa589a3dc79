import type { KafkaMessage } from "kafkajs";
import {
  type ChangeEvent,
  ChangeEventError,
  decodeChangeEvent,
  type Row,
  readCents,
  readTimestampMicros,
} from "../../../shared/change-events/index.ts";
import { StackError } from "../../stack/errors.ts";

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

export function shownOf(partition: number, message: KafkaMessage, decode: boolean): Shown {
  const position = {
    partition,
    offset: Number(message.offset),
    timestamp: new Date(Number(message.timestamp)).toISOString(),
    key: message.key === null ? null : decode ? keyOf(message.key) : String(message.key),
  };
  const value = message.value === null ? null : String(message.value);
  if (!decode) return { ...position, value };
  try {
    return { ...position, change: message.value === null ? { op: null } : changeOf(decodeChangeEvent(message.value)) };
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

function changeOf(event: ChangeEvent): ShownChange {
  const { op, source, before, after } = event;
  return {
    op,
    table: `${source.schema}.${source.table}`,
    before: before && cellsOf(before),
    after: after && cellsOf(after),
    committedAt: timeOf(source.committedAtMicros),
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
      return timeOf(readTimestampMicros(row, column));
    }
  } catch {
    // Beyond what the agents take: shown as it is.
  }
  return value;
}

function timeOf(micros: number): string {
  const millis = Math.floor(micros / 1_000);
  return new Date(millis).toISOString().replace("Z", `${String(micros - millis * 1_000).padStart(3, "0")}Z`);
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

export type Filter = (shown: Shown) => boolean;

/**
 * `text` is in the key or the value; `name=value` is the op, the key, the partition, or a column of the row after the change, or
 * before it where there is none after. All have to hold.
 *
 * @throws {StackError} USAGE for an empty one
 */
export function filterOf(texts: readonly string[]): Filter {
  const filters = texts.map((text): Filter => {
    if (text === "")
      throw new StackError("USAGE", "--filter takes a text, or name=value such as op=c or user_id=1234.");
    const [, name, wanted] = /^([\w.]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined) return (shown) => `${shown.key} ${valueTextOf(shown)}`.includes(text);
    return (shown) => {
      const found = fieldOf(shown, name);
      // A message that is no change event may well hold such a text.
      return found === undefined ? valueTextOf(shown).includes(text) : String(found) === wanted;
    };
  });
  return (shown) => filters.every((filter) => filter(shown));
}

function valueTextOf({ value, change }: Shown): string {
  return value ?? (change === undefined ? "" : describeChange(change));
}

function fieldOf({ change, key, partition }: Shown, name: string): unknown {
  if (name === "key") return key;
  if (name === "partition") return partition;
  if (change === undefined) return undefined;
  if (name === "op") return change.op ?? "tombstone";
  return (change.after ?? change.before)?.[name];
}
