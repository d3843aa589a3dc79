/**
 * The compact form in which state and changes are stored: whole numbers as LEB128 varints, seven bits a byte, the lowest
 * first; a number that may be negative is zigzagged before (0, -1, 1, -2, … become 0, 1, 2, 3, …), as in Protocol Buffers'
 * sint64. Numbers are safe integers: beyond 32 bits JavaScript's bit operators would cut them, so these divide.
 */
const initialBytes = 1024;
/** A safe integer takes at most this many bytes, zigzagged or not. */
const varintBytesMax = 8;
/** Up to here bit operators do. */
const smallMax = 2 ** 31 - 1;
const factorMax = 0x80 ** (varintBytesMax - 1);

export class ByteWriter {
  #buffer = new Uint8Array(initialBytes);
  #length = 0;

  /** A whole number from 0 to 2^53 - 1. */
  unsigned(value: number): void {
    this.#reserve(varintBytesMax);
    let rest = value;
    for (; rest > smallMax; rest = Math.floor(rest / 0x80)) this.#buffer[this.#length++] = (rest % 0x80) + 0x80;
    for (; rest >= 0x80; rest >>>= 7) this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
    this.#buffer[this.#length++] = rest;
  }

  /** A whole number from -2^52 to 2^52 - 1. */
  signed(value: number): void {
    this.unsigned(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(value: Uint8Array): void {
    this.unsigned(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    this.bytes(Buffer.from(value, "utf8"));
  }

  /** What was written so far, without a copy: write no more after this. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + count));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

export class ByteReader {
  readonly #buffer: Uint8Array;
  #position = 0;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#buffer.length;
  }

  unsigned(): number {
    const first = this.#buffer[this.#position];
    if (first !== undefined && first < 0x80) {
      this.#position++;
      return first;
    }
    let value = 0;
    for (let factor = 1; factor <= factorMax; factor *= 0x80) {
      const byte = this.#buffer[this.#position++];
      if (byte === undefined) throw new RangeError("The stored state ends in the middle of a number: it was cut off.");
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError("The stored state has a number that is too long: it was damaged.");
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(): Uint8Array {
    const length = this.unsigned();
    const end = this.#position + length;
    if (end > this.#buffer.length)
      throw new RangeError("The stored state ends in the middle of a value: it was cut off.");
    const value = this.#buffer.subarray(this.#position, end);
    this.#position = end;
    return value;
  }

  text(): string {
    return Buffer.from(this.bytes()).toString("utf8");
  }
}
