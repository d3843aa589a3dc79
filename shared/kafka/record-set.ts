// The records of a fetch response. Batches are looked at by their headers and decoded when somebody wants what is in
// them: a page of fifty messages needs the last of the many batches that one fetch brings. Format:
// https://kafka.apache.org/documentation/#recordbatch
import kafkajs from "kafkajs";

export interface DirectRecord {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

export interface RecordBatch {
  /** Of its first record when it was written; compaction may have taken that away. */
  readonly firstOffset: number;
  /** Behind its last record. */
  readonly nextOffset: number;
  readonly bytes: number;
  /**
   * Those with an offset from `from` on and below `before`. None of a batch that ends a transaction: no program wrote
   * that.
   *
   * @throws KafkaJSNotImplemented for a compression that there is no code for: there is some for gzip and zstd
   */
  records(from?: number, before?: number): Promise<readonly DirectRecord[]>;
}

/** Base offset and length come before what the length counts. */
const lengthEnd = 12;
const magicAt = 16;
const attributesAt = 21;
const lastOffsetDeltaAt = 23;
const firstTimestampAt = 27;
const maxTimestampAt = 35;
const recordCountAt = 57;
const headerBytes = 61;

const compressionMask = 0x07;
/** All records have the time at which the broker got the batch. */
const appendTimeFlag = 0x08;
const controlFlag = 0x20;

/**
 * The whole batches of a record set. Its last one may be cut off by the size that was asked for, and is left out then.
 */
export function splitRecordSet(set: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + headerBytes <= set.length; ) {
    const end = at + lengthEnd + set.readInt32BE(at + lengthEnd - 4);
    if (end > set.length) break;
    const magic = set.readInt8(at + magicAt);
    if (magic !== 2) throw new Error(`records of Kafka's old format ${magic} cannot be read`);
    const batch = set.subarray(at, end);
    const firstOffset = Number(batch.readBigInt64BE(0));
    batches.push({
      firstOffset,
      nextOffset: firstOffset + batch.readInt32BE(lastOffsetDeltaAt) + 1,
      bytes: batch.length,
      records: (from = 0, before = Number.POSITIVE_INFINITY) => readBatch(batch, from, before),
    });
    at = end;
  }
  return batches;
}

async function readBatch(batch: Buffer, from: number, before: number): Promise<DirectRecord[]> {
  const attributes = batch.readInt16BE(attributesAt);
  if ((attributes & controlFlag) !== 0) return [];
  const baseOffset = Number(batch.readBigInt64BE(0));
  const hasAppendTime = (attributes & appendTimeFlag) !== 0;
  const baseTime = Number(batch.readBigInt64BE(hasAppendTime ? maxTimestampAt : firstTimestampAt));
  const reader = new Reader(await decompress(batch.subarray(headerBytes), attributes & compressionMask));
  const records: DirectRecord[] = [];
  for (let left = batch.readInt32BE(recordCountAt); left > 0; left -= 1) {
    const end = reader.number() + reader.at;
    reader.at += 1; // attributes, of which there are none
    const timeDelta = reader.number();
    const offset = baseOffset + reader.number();
    if (offset >= from && offset < before) {
      const timestamp = hasAppendTime ? baseTime : baseTime + timeDelta;
      const [key, value] = [reader.bytes(), reader.bytes()];
      records.push({ offset, timestamp, key, value, headers: reader.headers() });
    }
    reader.at = end;
  }
  return records;
}

async function decompress(records: Buffer, compression: number): Promise<Buffer> {
  if (compression === 0) return records;
  const codecs: Readonly<Record<number, () => { decompress(bytes: Buffer): Promise<Buffer> }>> =
    kafkajs.CompressionCodecs;
  const codec = codecs[compression];
  if (codec === undefined) throw new Error(`there is no compression ${compression} in Kafka`);
  return codec().decompress(records);
}

/**
 * Reads what a record is made of. Its numbers are small ones in few bytes, positive and negative in turn: 0, -1, 1, -2,
 * …
 */
class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Exact up to 2^53, which times and offsets stay below. */
  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes.readUInt8(this.at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  bytes(): Buffer | null {
    const length = this.number();
    if (length < 0) return null;
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  headers(): DirectRecord["headers"] {
    return Array.from({ length: this.number() }, () => [this.bytes()?.toString() ?? "", this.bytes()] as const);
  }
}
