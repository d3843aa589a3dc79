// Change events as Debezium writes them with shared/connectors/fraud-postgres-connector.json, of made-up transactions of the
// course's distribution. The same seed gives the same events.
import {
  amountCents,
  batchIntervalMs,
  cardTypes,
  merchants,
  rowsPerBatch,
  users,
} from "../localstack/run/generator.ts";
import { seededRandom } from "../localstack/run/seeded-random.ts";

/** 2026-11-01T00:00:00Z, in microseconds since 1970. */
const firstBatchMicros = 1_793_491_200_000_000;

/** What passes between the statement's time, the commit and Debezium's reading of the first row, as it was seen here. */
const commitDelayMicros = 6_400;
const captureDelayMicros = 48_200;

/** A log position moves this far from row to row, and from transaction to transaction. */
const lsnPerRow = 144;
const lsnPerCommit = 512;
const firstLsn = 845_083_344;
const firstTransactionNumber = 10_109;

/** A row that was inserted, and where Debezium found it. One object is used again and again: there are millions of them. */
export class TransactionStream {
  id = 0;
  userId = 0;
  amountCents = 0;
  cardType: (typeof cardTypes)[number] = "VISA";
  merchantId = 0;
  createdAtMicros = 0;
  committedAtMicros = 0;
  transactionNumber = firstTransactionNumber - 1;
  lsn = firstLsn;
  /** Where the transaction before ended. */
  lastCommitLsn = firstLsn;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Moves on to the next row. */
  next(): void {
    if (this.id % rowsPerBatch === 0) this.#nextBatch();
    else this.lsn += lsnPerRow;
    this.id += 1;
    this.userId = this.#between(users.first, users.last);
    this.amountCents = this.#between(amountCents.minimum, amountCents.maximum);
    this.cardType = cardTypes[this.#between(0, cardTypes.length - 1)] ?? "VISA";
    this.merchantId = this.#between(1, merchants);
  }

  /** All rows of a batch get the time of its statement. */
  #nextBatch(): void {
    const batch = this.id / rowsPerBatch;
    // A timer is never exact: some milliseconds late each time.
    this.createdAtMicros = firstBatchMicros + batch * batchIntervalMs * 1_000 + this.#between(0, 9_999);
    this.committedAtMicros = this.createdAtMicros + commitDelayMicros;
    this.transactionNumber += 1;
    this.lastCommitLsn = this.lsn;
    this.lsn += lsnPerCommit;
  }

  #between(first: number, last: number): number {
    return first + Math.floor(this.#random() * (last - first + 1));
  }
}

/** Where the events say that they come from. */
export interface Origin {
  readonly server: string;
  readonly database: string;
}

export const origin: Origin = { server: "dbserver1", database: "mydb" };

type Row = Pick<
  TransactionStream,
  | "id"
  | "userId"
  | "amountCents"
  | "cardType"
  | "merchantId"
  | "createdAtMicros"
  | "committedAtMicros"
  | "transactionNumber"
  | "lsn"
  | "lastCommitLsn"
>;

/** The message's key, as text. */
export function messageKey({ id }: Pick<Row, "id">): string {
  return `{"id":${id}}`;
}

/**
 * The message's value, as text, byte for byte as Connect's JsonConverter writes it: shared/change-events/samples has recorded ones.
 *
 * @param capturedAtNanos as digits: a number would not hold them
 */
export function messageValue(
  row: Row,
  { server, database }: Origin = origin,
  capturedAtNanos = `${row.committedAtMicros + captureDelayMicros + (row.id % rowsPerBatch)}${nanosBelowMicros(row.id)}`,
): string {
  const committedAtMs = Math.floor(row.committedAtMicros / 1000);
  return (
    `{"before":null,"after":{"id":${row.id},"user_id":${row.userId},"amount":"${amountText(row.amountCents)}"` +
    `,"card_type":"${row.cardType}","merchant_id":${row.merchantId},"created_at":${row.createdAtMicros}}` +
    `,"source":{"version":"3.7.0.Final","connector":"postgresql","name":"${server}","ts_ms":${committedAtMs},"snapshot":null` +
    `,"db":"${database}","sequence":"[\\"${row.lastCommitLsn}\\",\\"${row.lsn}\\"]","ts_us":${row.committedAtMicros}` +
    `,"ts_ns":${row.committedAtMicros}000,"schema":"public","table":"transactions","txId":${row.transactionNumber}` +
    `,"lsn":${row.lsn},"xmin":null,"origin":null,"origin_lsn":null},"transaction":null,"op":"c"` +
    `,"ts_ms":${capturedAtNanos.slice(0, -6)},"ts_us":${capturedAtNanos.slice(0, -3)},"ts_ns":${capturedAtNanos}}`
  );
}

/** decimal(10,2) with decimal.handling.mode=string. */
export function amountText(cents: number): string {
  const rest = cents % 100;
  return `${(cents - rest) / 100}.${rest < 10 ? "0" : ""}${rest}`;
}

/** Three digits that differ from row to row. */
function nanosBelowMicros(id: number): string {
  return String((id * 617) % 1000).padStart(3, "0");
}

/** The user's partition: any hash will do that spreads users evenly and always says the same. Knuth's multiplicative one. */
export function partitionOf(userId: number, partitions: number): number {
  return (Math.imul(userId, 2_654_435_761) >>> 16) % partitions;
}
