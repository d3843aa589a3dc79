import { isUtf8 } from "node:buffer";
import { matcherWasm } from "./matcher.wasm.ts";
import type { Shape } from "./shape.ts";

/** The place that stands for: there is not what was looked for. */
export const NOWHERE = -1;

/** What assembly/matcher.ts exports. Addresses are those of its memory; there, 0 is nowhere. */
interface Exports {
  readonly memory: WasmMemory;
  freeFrom(): number;
  setResults(fields: number, numbers: number, bounds: number, texts: number, plains: number): void;
  match(shape: number, start: number, end: number): number;
  isAscii(): number;
  skipValue(at: number): number;
  skipString(at: number): number;
}

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** The part of WebAssembly's JavaScript interface that is used here; Node's types leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

const pageBytes = 65_536;
/** Room for a message, to begin with. */
const messageBytesMin = 64 * 1024;
/** Room behind the message for reading 16 bytes at once. */
const margin = 32;

const numberBytes = Float64Array.BYTES_PER_ELEMENT;
const addressBytes = Int32Array.BYTES_PER_ELEMENT;

const wasmModule = new WebAssembly.Module(Buffer.from(matcherWasm, "base64"));

const EQUALS = 0x3d;

/** The bounds of a field's numbers. */
export interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
}

/**
 * The memory of assembly/matcher.ts: first the results, then the shapes, then the message. Places in the message are counted from
 * its beginning.
 */
export class Matcher {
  readonly #wasm: Exports;
  readonly #fields: number;
  readonly #numbersAt: number;
  readonly #textsAt: number;
  readonly #plainsAt: number;
  readonly #shapesAt: number;
  #messageAt: number;
  #memory = Buffer.alloc(0);
  #numbers = new Float64Array(0);
  #texts = new Int32Array(0);
  #plains = new Int32Array(0);
  #end = 0;

  /** @param bounds of each field; a number out of its bounds is left to JavaScript */
  constructor(bounds: readonly Bounds[]) {
    this.#wasm = new WebAssembly.Instance(wasmModule).exports as Exports;
    this.#fields = bounds.length;
    this.#numbersAt = align(this.#wasm.freeFrom());
    const boundsAt = this.#numbersAt + (bounds.length + 1) * numberBytes;
    this.#textsAt = boundsAt + 2 * bounds.length * numberBytes;
    this.#plainsAt = this.#textsAt + 2 * bounds.length * addressBytes;
    this.#shapesAt = align(this.#plainsAt + 3 * bounds.length * addressBytes);
    this.#messageAt = this.#shapesAt;
    this.#reserve(messageBytesMin);
    this.#numbers.fill(Number.NaN);
    new Float64Array(this.#memory.buffer, boundsAt, 2 * bounds.length).set(
      bounds.flatMap(({ minimum, maximum }) => [minimum, maximum]),
    );
    this.#wasm.setResults(bounds.length, this.#numbersAt, boundsAt, this.#textsAt, this.#plainsAt);
  }

  /** By field, and behind them when the change was committed. Ask for it after each message: it is another one when memory has grown. */
  get numbers(): Float64Array {
    return this.#numbers;
  }

  get committedAtMicros(): number {
    return this.#numbers[this.#fields] as number;
  }

  /** How long the message is. */
  get end(): number {
    return this.#end;
  }

  /** The message, and what lies behind it. */
  get bytes(): Buffer {
    return this.#memory.subarray(this.#messageAt);
  }

  /** Takes the message that is in base64. False when that is not base64 through and through. */
  loadBase64(value: string): boolean {
    const lengthMax = (value.length * 3) >>> 2;
    this.#reserve(lengthMax);
    const written = this.#memory.write(value, this.#messageAt, lengthMax, "base64");
    this.#memory[this.#messageAt + written] = 0;
    this.#end = written;
    // Only now, since base64Bytes looks at the text's end: from its beginning on, reading it does not wait for main memory.
    return written === base64Bytes(value);
  }

  /**
   * Puts these shapes in place of those before. The message is gone.
   *
   * @returns the address of each, for `match`
   */
  setShapes(shapes: readonly Shape[]): number[] {
    let at = this.#shapesAt;
    const places = shapes.map((shape) => {
      const place = at;
      at = align(at + shape.byteLength);
      return place;
    });
    this.#messageAt = at;
    this.#end = 0;
    this.#reserve(messageBytesMin);
    for (const [i, shape] of shapes.entries()) shape.write(this.#memory, places[i] as number);
    return places;
  }

  /**
   * Compares the message with a shape. Answers how many values of it are left to JavaScript (`plain`), or -1 when it is of another
   * shape; then what was read means nothing.
   */
  match(shape: number): number {
    return this.#wasm.match(shape, this.#messageAt, this.#messageAt + this.#end);
  }

  /** A value that is left to JavaScript: its field, and from where to where it is. */
  plain(index: number): { readonly field: number; readonly at: number; readonly end: number } {
    const [field = 0, at = 0, end = 0] = this.#plains.subarray(3 * index, 3 * index + 3);
    return { field, at: at - this.#messageAt, end: end - this.#messageAt };
  }

  /** From where to where a field's text is; -1 for one that has not been read. */
  textStart(field: number): number {
    const start = this.#texts[2 * field] as number;
    return start < 0 ? NOWHERE : start - this.#messageAt;
  }

  textEnd(field: number): number {
    return (this.#texts[2 * field + 1] as number) - this.#messageAt;
  }

  byte(at: number): number {
    return this.#memory[this.#messageAt + at] as number;
  }

  slice(encoding: "utf8" | "latin1", at: number, end: number): string {
    return this.#memory.toString(encoding, this.#messageAt + at, this.#messageAt + end);
  }

  /** Of a message that has just matched, what JSON.parse's caller would have checked before: whether it is UTF-8. */
  isUtf8(): boolean {
    return this.#wasm.isAscii() !== 0 || isUtf8(this.#memory.subarray(this.#messageAt, this.#messageAt + this.#end));
  }

  /** Behind the value that begins at `at`. */
  skipValue(at: number): number {
    return this.#placeOf(this.#wasm.skipValue(this.#messageAt + at));
  }

  skipString(at: number): number {
    return this.#placeOf(this.#wasm.skipString(this.#messageAt + at));
  }

  #placeOf(address: number): number {
    return address === 0 ? NOWHERE : address - this.#messageAt;
  }

  /** Sees to it that a message of this length fits. */
  #reserve(length: number): void {
    const missing = this.#messageAt + length + margin - this.#memory.length;
    if (missing <= 0) return;
    // And for one of twice its length, so that memory does not grow with each message that is a little longer.
    this.#wasm.memory.grow(Math.ceil((missing + length) / pageBytes));
    const { buffer } = this.#wasm.memory;
    this.#memory = Buffer.from(buffer);
    this.#numbers = new Float64Array(buffer, this.#numbersAt, this.#fields + 1);
    this.#texts = new Int32Array(buffer, this.#textsAt, 2 * this.#fields);
    this.#plains = new Int32Array(buffer, this.#plainsAt, 3 * this.#fields);
  }
}

function align(address: number): number {
  return Math.ceil(address / 16) * 16;
}

/** How many bytes this base64 stands for, by its length and its padding: what Buffer.byteLength says, in less time. */
function base64Bytes(value: string): number {
  let { length } = value;
  if (value.charCodeAt(length - 1) === EQUALS) length--;
  if (length > 1 && value.charCodeAt(length - 1) === EQUALS) length--;
  return (length * 3) >>> 2;
}
