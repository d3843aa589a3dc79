import { isUtf8 } from "node:buffer";

/** What a scan answers when there is not what it looks for. */
export const NOWHERE = -1;

/** Values nested more deeply than this are left to JSON.parse. */
const depthMax = 32;

export const QUOTE = 0x22;
export const MINUS = 0x2d;
export const POINT = 0x2e;
export const ZERO = 0x30;
export const OPEN_BRACE = 0x7b;
export const LOWER_N = 0x6e;

const BACKSLASH = 0x5c;
const PLUS = 0x2b;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
/** Bit that tells a lower case letter from its upper case one. */
const CASE_BIT = 0x20;
const FIRST_PRINTABLE = 0x20;

/** What stands for itself in a string: ASCII that is neither control character, quote nor backslash. */
export const isPlainText = new Uint8Array(256);
isPlainText.fill(1, FIRST_PRINTABLE, 0x80);
isPlainText[QUOTE] = 0;
isPlainText[BACKSLASH] = 0;

const NULL = Buffer.from("null");
const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");

const isSingleEscape = new Uint8Array(256);
for (const each of Buffer.from('"\\/bfnrt')) isSingleEscape[each] = 1;
const isHex = new Uint8Array(256);
for (const each of Buffer.from("0123456789abcdefABCDEF")) isHex[each] = 1;

/**
 * Finds where JSON values end without making anything of them. It takes a part of what JSON allows (no white space between
 * tokens, no deep nesting) and nothing that JSON forbids: RFC 8259, the same grammar as JSON.parse.
 *
 * The text is `bytes` from 0 to `end`. Behind it lies a zero, so that no loop has to ask whether the text is over: a zero ends
 * every token, and belongs to none.
 */
export class JsonScan {
  /** A message may be as large as this without a larger buffer being made. */
  static readonly #bytesMin = 64 * 1024;
  /** Room behind the text for reading eight bytes at once. */
  static readonly #margin = 16;

  bytes = Buffer.alloc(JsonScan.#bytesMin);
  view = viewOf(this.bytes);
  end = 0;
  /** What scanInteger read. */
  integer = 0;
  /** Some string that was skipped has a byte of more than seven bits: whether it is UTF-8 is still to be seen. */
  sawNonAscii = false;

  /** Takes the text that is in base64. False when that is not base64 through and through. */
  loadBase64(value: string): boolean {
    const lengthMax = (value.length * 3) >>> 2;
    this.#reserve(lengthMax);
    // With room for one more, so that a text of more than its length says is not taken for one that fits.
    const written = this.bytes.write(value, 0, lengthMax + 1, "base64");
    // After the text was read from its beginning: its end is in the processor's cache by now.
    return this.#filledTo(written, base64Bytes(value));
  }

  #reserve(length: number): void {
    if (length + JsonScan.#margin <= this.bytes.length) return;
    this.bytes = Buffer.alloc(length * 2 + JsonScan.#margin);
    this.view = viewOf(this.bytes);
  }

  #filledTo(written: number, length: number): boolean {
    this.bytes[written] = 0;
    this.end = written;
    this.sawNonAscii = false;
    return written === length;
  }

  /** What JSON.parse's caller would have checked before: that the text is UTF-8, if it is not plain ASCII anyway. */
  isUtf8(): boolean {
    return !this.sawNonAscii || isUtf8(this.bytes.subarray(0, this.end));
  }

  /** Behind the value that begins at `at`. */
  skipValue(at: number, depth = 0): number {
    switch (this.bytes[at]) {
      case QUOTE:
        return this.skipString(at);
      case LOWER_N:
        return this.#skipWord(at, NULL);
      case 0x74:
        return this.#skipWord(at, TRUE);
      case 0x66:
        return this.#skipWord(at, FALSE);
      case OPEN_BRACE:
        return this.#skipItems(at, CLOSE_BRACE, depth);
      case OPEN_BRACKET:
        return this.#skipItems(at, CLOSE_BRACKET, depth);
      default:
        return this.skipNumber(at);
    }
  }

  skipString(at: number): number {
    const { bytes } = this;
    if (bytes[at] !== QUOTE) return NOWHERE;
    for (let position = at + 1; ; position++) {
      while (isPlainText[bytes[position] as number] === 1) position++;
      const byte = bytes[position] as number;
      if (byte === QUOTE) return position + 1;
      if (byte === BACKSLASH) {
        position = this.#lastOfEscape(position);
        if (position === NOWHERE) return NOWHERE;
      } else if (byte < FIRST_PRINTABLE) return NOWHERE;
      else this.sawNonAscii = true;
    }
  }

  #lastOfEscape(backslash: number): number {
    const { bytes } = this;
    const letter = bytes[backslash + 1] as number;
    if (isSingleEscape[letter] === 1) return backslash + 1;
    if (letter !== LOWER_U) return NOWHERE;
    for (let digit = 2; digit < 6; digit++) if (isHex[bytes[backslash + digit] as number] !== 1) return NOWHERE;
    return backslash + 5;
  }

  skipNumber(at: number): number {
    const { bytes } = this;
    let position = bytes[at] === MINUS ? at + 1 : at;
    if (bytes[position] === ZERO) position++;
    else position = this.skipDigits(position);
    if (position !== NOWHERE && bytes[position] === POINT) position = this.skipDigits(position + 1);
    if (position !== NOWHERE && ((bytes[position] as number) | CASE_BIT) === LOWER_E) {
      const sign = bytes[position + 1];
      position = this.skipDigits(sign === PLUS || sign === MINUS ? position + 2 : position + 1);
    }
    return position;
  }

  /** Behind the digits from `at` on; there must be one. */
  skipDigits(at: number): number {
    const { bytes } = this;
    let position = at;
    while (((bytes[position] as number) - ZERO) >>> 0 <= 9) position++;
    return position === at ? NOWHERE : position;
  }

  /**
   * Behind the digits from `at` on, at least one and at most 16, which `integer` then has as a number. JSON has no leading
   * zeros, and what is beyond the safe integers is for JSON.parse to round.
   */
  scanInteger(at: number): number {
    const { bytes } = this;
    let digit = ((bytes[at] as number) - ZERO) >>> 0;
    if (digit > 9) return NOWHERE;
    // In two halves, which stay small integers.
    let high = digit;
    let position = at + 1;
    const middle = at + 8;
    for (; position < middle; position++) {
      digit = ((bytes[position] as number) - ZERO) >>> 0;
      if (digit > 9) break;
      high = high * 10 + digit;
    }
    if (position - at > 1 && bytes[at] === ZERO) return NOWHERE;
    if (position < middle) {
      this.integer = high;
      return position;
    }
    let [low, factor] = [0, 1];
    for (; ; position++) {
      digit = ((bytes[position] as number) - ZERO) >>> 0;
      if (digit > 9) break;
      if (factor === 100_000_000) return NOWHERE;
      low = low * 10 + digit;
      factor *= 10;
    }
    const integer = high * factor + low;
    if (integer > Number.MAX_SAFE_INTEGER) return NOWHERE;
    this.integer = integer;
    return position;
  }

  #skipWord(at: number, word: Uint8Array): number {
    for (let i = 0; i < word.length; i++) if (this.bytes[at + i] !== word[i]) return NOWHERE;
    return at + word.length;
  }

  /** Of an object or an array, from its opening on. */
  #skipItems(at: number, close: number, depth: number): number {
    const { bytes } = this;
    if (depth === depthMax) return NOWHERE;
    let position = at + 1;
    if (bytes[position] === close) return position + 1;
    for (;;) {
      if (close === CLOSE_BRACE) {
        position = this.skipString(position);
        if (position === NOWHERE || bytes[position] !== COLON) return NOWHERE;
        position++;
      }
      position = this.skipValue(position, depth + 1);
      if (position === NOWHERE) return NOWHERE;
      if (bytes[position] === close) return position + 1;
      if (bytes[position] !== COMMA) return NOWHERE;
      position++;
    }
  }

  /**
   * The members of the object that begins at `at`: each key with where its value begins and ends. Undefined for what is no
   * object in this grammar, and for keys that are escaped, which only JSON.parse should make sense of. Keys may come twice.
   */
  members(at: number): Members | undefined {
    const { bytes } = this;
    if (bytes[at] !== OPEN_BRACE) return undefined;
    const members: Member[] = [];
    let position = at + 1;
    if (bytes[position] === CLOSE_BRACE) return { members, end: position + 1 };
    for (;;) {
      const keyEnd = this.skipString(position);
      if (keyEnd === NOWHERE || bytes[keyEnd] !== COLON) return undefined;
      const key = bytes.toString("utf8", position + 1, keyEnd - 1);
      if (key.includes("\\")) return undefined;
      const valueAt = keyEnd + 1;
      const valueEnd = this.skipValue(valueAt);
      if (valueEnd === NOWHERE) return undefined;
      members.push({ key, at: valueAt, end: valueEnd });
      if (bytes[valueEnd] === CLOSE_BRACE) return { members, end: valueEnd + 1 };
      if (bytes[valueEnd] !== COMMA) return undefined;
      position = valueEnd + 1;
    }
  }
}

export interface Member {
  readonly key: string;
  readonly at: number;
  readonly end: number;
}

export interface Members {
  readonly members: readonly Member[];
  /** Behind the closing brace. */
  readonly end: number;
}

/** How many bytes this base64 stands for, by its length and its padding: what Buffer.byteLength says, in less time. */
function base64Bytes(value: string): number {
  let { length } = value;
  if (value.charCodeAt(length - 1) === EQUALS) length--;
  if (length > 1 && value.charCodeAt(length - 1) === EQUALS) length--;
  return (length * 3) >>> 2;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
