// Fills a topic with millions of records in the least time. kafkajs makes an object of every record and then a buffer of every field,
// which took a minute and more for five million; this writes record batches (version 2) straight into the bytes of a request.
//
// https://kafka.apache.org/documentation/#recordbatch and https://kafka.apache.org/protocol.html#The_Messages_Produce
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { BenchError } from "./errors.ts";

const produceApi = { key: 0, version: 7 };
/** Just below the 1,048,588 bytes that a broker takes by default. */
const batchBytesMax = 1_000_000;
const requestsInFlightMax = 8;
const requestTimeoutMs = 30_000;
const acks = 1;

/** Where things are in a batch. */
const at = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  timestamps: 27,
  producer: 43,
  count: 57,
};
const batchHeaderBytes = 61;
/** Producer id, epoch and sequence of one that is not idempotent: all -1. */
const producerBytes = 14;
/** Lengths of record, key and value, the delta of the offset, and three bytes of one each. */
const recordOverheadBytesMax = 4 * 5 + 3;

/** Writes to one broker, which must lead all partitions: the benchmark has no other. Keys and values are ASCII. */
export class BulkProducer {
  readonly #socket: Socket;
  readonly #topic: string;
  readonly #batches: RecordBatch[];
  readonly #waiting: { partition: number; sent: RecordBatch; done: () => void }[] = [];
  readonly #spare: RecordBatch[] = [];
  #received = Buffer.alloc(0);
  #failure: Error | undefined;

  private constructor(socket: Socket, topic: string, partitions: number) {
    this.#socket = socket;
    this.#topic = topic;
    this.#batches = Array.from({ length: partitions }, () => new RecordBatch());
    socket.on("data", (chunk) => this.#receive(chunk));
    const fail = (error: Error) => this.#fail(error);
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the broker closed the connection")));
  }

  static async open(address: string, topic: string, partitions: number): Promise<BulkProducer> {
    const [host = "", port = ""] = address.split(":");
    const socket = connect({ host, port: Number(port), noDelay: true });
    await once(socket, "connect");
    return new BulkProducer(socket, topic, partitions);
  }

  /** Resolves when there is room for more. */
  append(partition: number, key: string, value: string): Promise<void> | undefined {
    const batch = this.#batches[partition];
    if (batch === undefined) throw new RangeError(`there is no partition ${partition}`);
    if (batch.add(key, value)) return undefined;
    return this.#flush(partition, batch).then(() => this.append(partition, key, value));
  }

  /** @throws {BenchError} START_FAILED when the broker did not take something */
  async close(): Promise<void> {
    for (const [partition, batch] of this.#batches.entries()) if (batch.count > 0) await this.#flush(partition, batch);
    await this.#until(0);
    this.#socket.removeAllListeners("close").end();
  }

  async #flush(partition: number, batch: RecordBatch): Promise<void> {
    await this.#until(requestsInFlightMax - 1);
    this.#batches[partition] = this.#spare.pop() ?? new RecordBatch();
    const records = batch.finish(Date.now());
    this.#socket.cork();
    this.#socket.write(produceHeader(this.#topic, partition, records.length));
    this.#socket.write(records);
    this.#socket.uncork();
    this.#waiting.push({ partition, sent: batch, done: () => {} });
  }

  /** Waits until no more requests than this are under way. */
  async #until(requests: number): Promise<void> {
    while (this.#waiting.length > requests) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        (this.#waiting[0] as { done: () => void }).done = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Answers come in the order of the requests. */
  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0);
      if (this.#received.length < end) return;
      const error = errorCodeIn(this.#received.subarray(4, end));
      this.#received = this.#received.subarray(end);
      const request = this.#waiting.shift();
      if (error !== 0) this.#fail(new Error(`error code ${error} for partition ${request?.partition}`));
      if (request !== undefined) {
        request.sent.clear();
        this.#spare.push(request.sent);
        request.done();
      }
    }
  }

  #fail(cause: Error): void {
    this.#failure ??= new BenchError("START_FAILED", `Kafka did not take the records: ${cause.message}`, { cause });
    for (const { done } of this.#waiting) done();
  }
}

/** One record batch in the making. */
export class RecordBatch {
  readonly #bytes = Buffer.allocUnsafe(batchBytesMax);
  #end = batchHeaderBytes;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** False when it is full. */
  add(key: string, value: string): boolean {
    if (this.#end + key.length + value.length + recordOverheadBytesMax > batchBytesMax) return false;
    const delta = this.#count;
    // Attributes, the timestamp's delta and the number of headers are a zero each.
    const length =
      3 + varintBytes(delta) + varintBytes(key.length) + key.length + varintBytes(value.length) + value.length;
    this.#varint(length);
    this.#bytes[this.#end++] = 0;
    this.#bytes[this.#end++] = 0;
    this.#varint(delta);
    this.#text(key);
    this.#text(value);
    this.#bytes[this.#end++] = 0;
    this.#count += 1;
    return true;
  }

  /** The batch with all records at one time. */
  finish(timestampMs: number): Buffer {
    const bytes = this.#bytes;
    bytes.fill(0, 0, batchHeaderBytes);
    bytes.writeInt32BE(this.#end - at.length - 4, at.length);
    bytes[at.magic] = 2;
    bytes.writeInt32BE(this.#count - 1, at.lastOffsetDelta);
    bytes.writeBigInt64BE(BigInt(timestampMs), at.timestamps);
    bytes.writeBigInt64BE(BigInt(timestampMs), at.timestamps + 8);
    bytes.fill(0xff, at.producer, at.producer + producerBytes);
    bytes.writeInt32BE(this.#count, at.count);
    bytes.writeUInt32BE(crc32c(bytes, at.attributes, this.#end), at.crc);
    return bytes.subarray(0, this.#end);
  }

  clear(): void {
    this.#end = batchHeaderBytes;
    this.#count = 0;
  }

  #text(text: string): void {
    this.#varint(text.length);
    this.#end += this.#bytes.write(text, this.#end, "latin1");
  }

  /** A natural number, zigzagged and seven bits a byte. */
  #varint(value: number): void {
    let rest = value * 2;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#end++] = rest;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value * 2; rest >= 0x80; rest >>>= 7) bytes += 1;
  return bytes;
}

/** A request for one batch, up to the batch itself. */
function produceHeader(topic: string, partition: number, recordsBytes: number): Buffer {
  const clientId = "bench";
  const header = Buffer.alloc(4 + 8 + 2 + clientId.length + 2 + 2 + 4 + 4 + 2 + topic.length + 4 + 4 + 4);
  let end = 4;
  const int16 = (value: number) => {
    end = header.writeInt16BE(value, end);
  };
  const int32 = (value: number) => {
    end = header.writeInt32BE(value, end);
  };
  const text = (value: string) => {
    int16(value.length);
    end += header.write(value, end, "latin1");
  };
  int16(produceApi.key);
  int16(produceApi.version);
  int32(0); // Correlation: answers come in order.
  text(clientId);
  int16(-1); // No transaction.
  int16(acks);
  int32(requestTimeoutMs);
  int32(1);
  text(topic);
  int32(1);
  int32(partition);
  int32(recordsBytes);
  header.writeInt32BE(header.length - 4 + recordsBytes, 0);
  return header;
}

/** Of the one partition in the answer. */
function errorCodeIn(answer: Buffer): number {
  const topicLength = answer.readInt16BE(8);
  return answer.readInt16BE(8 + 2 + topicLength + 4 + 4);
}

const castagnoli = 0x82f63b78;
/** Eight tables, so that eight bytes are taken at once. */
const tables = (() => {
  const all = Array.from({ length: 8 }, () => new Uint32Array(256));
  const [first] = all as [Uint32Array];
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ castagnoli : crc >>> 1;
    first[byte] = crc;
  }
  for (let table = 1; table < all.length; table += 1) {
    const before = all[table - 1] as Uint32Array;
    for (let byte = 0; byte < 256; byte += 1) {
      const crc = before[byte] as number;
      (all[table] as Uint32Array)[byte] = (crc >>> 8) ^ (first[crc & 0xff] as number);
    }
  }
  return all as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
})();

/** CRC-32C of a part of the bytes; Node's own crc32 is another polynomial. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = 0xffffffff;
  let i = start;
  // Within the bounds, so no read is undefined.
  const byte = (index: number) => bytes[index] as number;
  for (; i + 8 <= end; i += 8) {
    const low = crc ^ (byte(i) | (byte(i + 1) << 8) | (byte(i + 2) << 16) | (byte(i + 3) << 24));
    crc =
      (t7[low & 0xff] as number) ^
      (t6[(low >>> 8) & 0xff] as number) ^
      (t5[(low >>> 16) & 0xff] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[byte(i + 4)] as number) ^
      (t2[byte(i + 5)] as number) ^
      (t1[byte(i + 6)] as number) ^
      (t0[byte(i + 7)] as number);
  }
  for (; i < end; i += 1) crc = (crc >>> 8) ^ (t0[(crc ^ byte(i)) & 0xff] as number);
  return (crc ^ 0xffffffff) >>> 0;
}
