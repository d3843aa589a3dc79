// Kafka's record batches (message format 2), decoded without an object for each step: kafkajs makes several of every record,
// and 64-bit numbers out of its texts. The format: kafka.apache.org/documentation/#recordbatch, #record.
import kafkajs from "kafkajs";
import type { SourceRecord } from "../delivery/event.ts";

/** Bytes before a batch's own length is counted: base offset and length. */
const LENGTH_END = 12;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const RECORD_COUNT_AT = 57;
const RECORDS_AT = 61;

const MAGIC_2 = 2;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME_FLAG = 0x08;
const TRANSACTIONAL_FLAG = 0x10;
const CONTROL_FLAG = 0x20;
/** The type of a control record, in its key after the version: 0 ends an aborted transaction [KIP-98]. */
const CONTROL_TYPE_ABORT = 0;

const NO_HEADERS: SourceRecord["headers"] = Object.freeze([]);

/** A transaction of which no record counts. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

export interface DecodedBatches {
  /** In order; without what was aborted, and without the markers of transactions. */
  readonly records: readonly SourceRecord[];
  /** Of the last whole batch; undefined when there is none. */
  readonly lastOffset: number | undefined;
}

/** Whether this is a record set that `decodeBatches` can read. Kafka before 0.11 wrote others. */
export function isRecordBatch(set: Buffer): boolean {
  return set.length <= MAGIC_AT || set.readInt8(MAGIC_AT) === MAGIC_2;
}

/**
 * Decodes the record set of a fetch response. Its last batch may be cut off, and is left out then.
 *
 * @throws KafkaJSNotImplemented for a compression that kafkajs has no codec for
 */
export async function decodeBatches(
  set: Buffer,
  fetchedOffset: number,
  aborted: readonly AbortedTransaction[] = [],
): Promise<DecodedBatches> {
  const records: SourceRecord[] = [];
  const transactions = new Transactions(aborted);
  let lastOffset: number | undefined;
  for (let at = 0; at + RECORDS_AT <= set.length; ) {
    const end = at + LENGTH_END + set.readInt32BE(at + LENGTH_END - 4);
    if (end > set.length) break;
    const baseOffset = readInt64(set, at);
    const attributes = set.readInt16BE(at + ATTRIBUTES_AT);
    lastOffset = baseOffset + set.readInt32BE(at + LAST_OFFSET_DELTA_AT);
    const count = set.readInt32BE(at + RECORD_COUNT_AT);
    const logAppendTime = (attributes & LOG_APPEND_TIME_FLAG) !== 0;
    const batch: BatchHeader = {
      baseOffset,
      logAppendTime,
      timestamp: readInt64(set, at + (logAppendTime ? MAX_TIMESTAMP_AT : BASE_TIMESTAMP_AT)),
      count,
    };
    const isControl = (attributes & CONTROL_FLAG) !== 0;
    const isTransactional = (attributes & TRANSACTIONAL_FLAG) !== 0;
    const producerId = set.readBigInt64BE(at + PRODUCER_ID_AT);
    const isAborted = isTransactional && transactions.covers(producerId, lastOffset);
    if (isControl) {
      const [marker] = readRecords(set, at + RECORDS_AT, batch, 0);
      if (marker !== undefined && isAbort(marker)) transactions.end(producerId);
    } else if (!isAborted && count > 0) {
      const compression = attributes & COMPRESSION_MASK;
      if (compression === 0) {
        append(records, readRecords(set, at + RECORDS_AT, batch, fetchedOffset));
      } else {
        const codec = kafkajs.CompressionCodecs[compression as 1]();
        const plain: Buffer = await codec.decompress(set.subarray(at + RECORDS_AT, end));
        append(records, readRecords(plain, 0, batch, fetchedOffset));
      }
    }
    at = end;
  }
  return { records, lastOffset };
}

/** Which producers are in an aborted transaction, as a reader goes along the log. */
class Transactions {
  readonly #waiting: AbortedTransaction[];
  readonly #producers = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  covers(producerId: bigint, lastOffset: number): boolean {
    for (let next = this.#waiting[0]; next !== undefined && next.firstOffset <= lastOffset; next = this.#waiting[0]) {
      this.#producers.add(next.producerId);
      this.#waiting.shift();
    }
    return this.#producers.has(producerId);
  }

  end(producerId: bigint): void {
    this.#producers.delete(producerId);
  }
}

function isAbort({ bytes, keyStart, keyEnd }: SourceRecord): boolean {
  return keyEnd - keyStart >= 4 && bytes.readInt16BE(keyStart + 2) === CONTROL_TYPE_ABORT;
}

interface BatchHeader {
  readonly baseOffset: number;
  readonly logAppendTime: boolean;
  /** Of all records (log append time), or what theirs are added to. */
  readonly timestamp: number;
  readonly count: number;
}

function append(all: SourceRecord[], more: readonly SourceRecord[]): void {
  for (const record of more) all.push(record);
}

/** Reads `count` records that follow one another; those below an offset are left out. */
function readRecords(bytes: Buffer, start: number, batch: BatchHeader, fromOffset: number): SourceRecord[] {
  const { baseOffset, count, logAppendTime, timestamp } = batch;
  const cursor = new Cursor(bytes, start);
  const records: SourceRecord[] = [];
  for (let i = 0; i < count; i += 1) {
    const length = cursor.varint();
    const next = cursor.at + length;
    cursor.at += 1; // attributes, of which there are none
    const timestampDelta = cursor.varlong();
    const offset = baseOffset + cursor.varint();
    const keyLength = cursor.varint();
    const keyStart = keyLength < 0 ? -1 : cursor.at;
    if (keyLength > 0) cursor.at += keyLength;
    const keyEnd = cursor.at;
    const valueLength = cursor.varint();
    const valueStart = valueLength < 0 ? -1 : cursor.at;
    if (valueLength > 0) cursor.at += valueLength;
    const valueEnd = cursor.at;
    const headerCount = cursor.varint();
    if (offset >= fromOffset) {
      records.push({
        offset,
        timestamp: logAppendTime ? timestamp : timestamp + timestampDelta,
        logAppendTime,
        bytes,
        keyStart,
        keyEnd,
        valueStart,
        valueEnd,
        headers: headerCount === 0 ? NO_HEADERS : readHeaders(cursor, headerCount),
        keySchemaMetadata: undefined,
        valueSchemaMetadata: undefined,
      });
    }
    cursor.at = next;
  }
  return records;
}

function readHeaders(cursor: Cursor, count: number): SourceRecord["headers"] {
  const headers: [string, Buffer | null][] = [];
  for (let i = 0; i < count; i += 1) {
    const name = cursor.slice(cursor.varint());
    const valueLength = cursor.varint();
    headers.push([name.toString(), valueLength < 0 ? null : cursor.slice(valueLength)]);
  }
  return headers;
}

/** Reads along a buffer. */
class Cursor {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** A zigzag number of 32 bits. */
  varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      byte = bytes[this.at++] as number;
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag number of 64 bits. Small ones, which timestamps of one batch are apart, need no BigInt. */
  varlong(): number {
    const start = this.at;
    const bytes = this.#bytes;
    let end = start;
    while ((bytes[end] as number) > 0x7f) end += 1;
    if (end - start < 4) return this.varint();
    this.at = end + 1;
    let value = 0n;
    for (let i = end; i >= start; i -= 1) value = (value << 7n) | BigInt((bytes[i] as number) & 0x7f);
    return Number((value >> 1n) ^ -(value & 1n));
  }

  slice(length: number): Buffer {
    const slice = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return slice;
  }
}

/** Exact up to 2^53, which is 285 years of timestamps in microseconds, and more records than a partition will have. */
export function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
