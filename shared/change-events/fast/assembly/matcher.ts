// Compares a message with a shape and reads its fields on the way. AssemblyScript, which is TypeScript with the types of
// WebAssembly: the same loops take three times as long in JavaScript, which asks at each byte whether it is inside the buffer.
// Compile it with `npm run matcher`; ../matcher.ts gives it its memory.
//
// The grammar is a part of what JSON allows (no white space between tokens, no deep nesting) and has nothing that JSON forbids:
// RFC 8259, as JSON.parse reads it. Behind the text lies a zero, so that no loop has to ask whether the text is over: a zero ends
// every token, and belongs to none.
import {
  ANY,
  COMMITTED_AT,
  DECIMAL_BASE64_FIELD,
  DECIMAL_FIELD,
  DECIMAL_TEXT_FIELD,
  DIGITS,
  INTEGER_FIELD,
  INTEGER_OR_NULL,
  MICROS_FIELD,
  OBJECT,
  OBJECT_OR_NULL,
  TEXT,
  TEXT_FIELD,
} from "../slots";

/** The address that stands for: there is not what was looked for. */
const NOWHERE: usize = 0;
/** The answer of `match` to a message of another shape. */
const NO_MATCH: i32 = -1;

/** Values nested more deeply than this are left to JSON.parse. */
const DEPTH_MAX: i32 = 32;
/** More digits than this are beyond the safe integers. */
const INTEGER_DIGITS_MAX: usize = 16;
const SAFE_INTEGER_MAX: u64 = 9_007_199_254_740_991;
/** From here on a time without schema is taken for microseconds: see ../../time.ts. */
const MICROS_MIN: f64 = 1e14;
/** Amounts before the point up to this one are safe integers in cents. */
const WHOLE_MAX: f64 = 1e13;

const FIRST_PRINTABLE: u8 = 0x20;
const QUOTE: u8 = 0x22;
const PLUS: u8 = 0x2b;
const COMMA: u8 = 0x2c;
const MINUS: u8 = 0x2d;
const POINT: u8 = 0x2e;
const SLASH: u8 = 0x2f;
const ZERO: u8 = 0x30;
const NINE: u8 = 0x39;
const COLON: u8 = 0x3a;
const EQUALS: u8 = 0x3d;
const UPPER_A: u8 = 0x41;
const UPPER_E: u8 = 0x45;
const UPPER_Z: u8 = 0x5a;
const OPEN_BRACKET: u8 = 0x5b;
const BACKSLASH: u8 = 0x5c;
const CLOSE_BRACKET: u8 = 0x5d;
const LOWER_A: u8 = 0x61;
const LOWER_B: u8 = 0x62;
const LOWER_E: u8 = 0x65;
const LOWER_F: u8 = 0x66;
const LOWER_N: u8 = 0x6e;
const LOWER_R: u8 = 0x72;
const LOWER_T: u8 = 0x74;
const LOWER_U: u8 = 0x75;
const LOWER_Z: u8 = 0x7a;
const OPEN_BRACE: u8 = 0x7b;
const CLOSE_BRACE: u8 = 0x7d;
/** Bit that tells a lower case letter from its upper case one. */
const CASE_BIT: u8 = 0x20;
const FIRST_NON_ASCII: u8 = 0x80;

// Words of text as numbers, the first letter lowest.
const NULL: u32 = 0x6c6c756e;
const TRUE: u32 = 0x65757274;
const ALSE: u32 = 0x65736c61;
/** How a text begins that Debezium writes in place of a value that is not there: in plain, and in base64. */
const TWO_UNDERSCORES: u16 = 0x5f5f;
const UNDERSCORES_IN_BASE64: u16 = 0x3158;

/** What scanInteger read. */
let integer: f64 = 0;
/** Some text that was skipped has a byte of more than seven bits: whether it is UTF-8 is still to be seen. */
let sawNonAscii: bool = false;

// Where results go, by field: its number, the bounds of that number, and from where to where its text is. Then the values that
// are left to JavaScript: their field, from where, to where.
let fieldCount: i32 = 0;
let numbersAt: usize = 0;
let boundsAt: usize = 0;
let textsAt: usize = 0;
let plainsAt: usize = 0;
let plainCount: i32 = 0;

/** From here on memory is free. */
export function freeFrom(): usize {
  return __heap_base;
}

/** Says where the results are to go. The commit time comes behind the numbers of the fields. */
export function setResults(fields: i32, numbers: usize, bounds: usize, texts: usize, plains: usize): void {
  fieldCount = fields;
  numbersAt = numbers;
  boundsAt = bounds;
  textsAt = texts;
  plainsAt = plains;
}

export function isAscii(): bool {
  return !sawNonAscii;
}

/**
 * Compares the message from `start` to `end` with a shape: how many slots there are, where its literals are, and for each of the
 * literals its length, the slot behind it and the slot's field (../shape.ts writes it).
 *
 * Answers how many values are left to JavaScript, or NO_MATCH.
 */
export function match(shape: usize, start: usize, end: usize): i32 {
  const slotCount = load<i32>(shape);
  let literal = load<usize>(shape, 4);
  let step = shape + 8;
  let at = start;
  plainCount = 0;
  sawNonAscii = false;
  for (let field = 0; field < fieldCount; field++) store<i32>(textsAt + ((<usize>field) << 3), -1);
  for (let i = 0; ; i++) {
    const length = load<usize>(step);
    if (at + length > end || !areEqual(at, literal, length)) return NO_MATCH;
    at += length;
    literal += length;
    if (i === slotCount) break;
    at = behindSlot(at, load<i32>(step, 4), load<i32>(step, 8));
    if (at === NOWHERE) return NO_MATCH;
    step += 12;
  }
  // Exactly here: behind a text that was cut off lies what is left of an earlier one, and may go on as it would have.
  return at === end ? plainCount : NO_MATCH;
}

/** Compares 16 bytes at a time; the last 16 overlap with those before. */
function areEqual(a: usize, b: usize, length: usize): bool {
  if (length < 16) return areEqualFew(a, b, length);
  const last = length - 16;
  for (let i: usize = 0; i < last; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
}

function areEqualFew(a: usize, b: usize, length: usize): bool {
  if (length >= 8) {
    const last = length - 8;
    return load<u64>(a) === load<u64>(b) && load<u64>(a + last) === load<u64>(b + last);
  }
  if (length >= 4) {
    const last = length - 4;
    return load<u32>(a) === load<u32>(b) && load<u32>(a + last) === load<u32>(b + last);
  }
  for (let i: usize = 0; i < length; i++) if (load<u8>(a + i) !== load<u8>(b + i)) return false;
  return true;
}

/** Behind the value that begins at `at`; read, where it is to be read. */
function behindSlot(at: usize, slot: i32, field: i32): usize {
  const first = load<u8>(at);
  switch (slot) {
    case DIGITS:
      return first === ZERO ? NOWHERE : skipDigits(at);
    case COMMITTED_AT:
      return readCommittedAt(at);
    case INTEGER_OR_NULL:
      return first === LOWER_N ? skipValue(at) : scanInteger(at);
    case ANY:
      return skipValue(at);
    case TEXT:
      return skipString(at);
    case OBJECT:
      return first === OPEN_BRACE ? skipValue(at) : NOWHERE;
    case OBJECT_OR_NULL:
      return first === OPEN_BRACE || first === LOWER_N ? skipValue(at) : NOWHERE;
  }
  const end = behindField(at, slot, field);
  return end === NOWHERE ? leaveToJavaScript(at, field) : end;
}

function behindField(at: usize, slot: i32, field: i32): usize {
  switch (slot) {
    case INTEGER_FIELD:
      return readInteger(at, field);
    case MICROS_FIELD:
      return readMicros(at, field);
    case TEXT_FIELD:
      return readText(at, field);
    case DECIMAL_TEXT_FIELD:
      return readDecimalText(at, field);
    case DECIMAL_BASE64_FIELD:
      return readDecimalBase64(at, field, false);
    case DECIMAL_FIELD: {
      const end = readDecimalText(at, field);
      return end === NOWHERE ? readDecimalBase64(at, field, true) : end;
    }
  }
  // Nothing quicker is known.
  return NOWHERE;
}

/** A value of another form than the usual one. */
function leaveToJavaScript(at: usize, field: i32): usize {
  const end = skipValue(at);
  if (end === NOWHERE) return NOWHERE;
  // There is room for one of each field: no shape has a column twice.
  const plain = plainsAt + <usize>plainCount * 12;
  store<i32>(plain, field);
  store<usize>(plain, at, 4);
  store<usize>(plain, end, 8);
  plainCount++;
  return end;
}

function readCommittedAt(at: usize): usize {
  const end = scanInteger(at);
  if (end !== NOWHERE) store<f64>(numbersAt + ((<usize>fieldCount) << 3), integer);
  return end;
}

/** False for a number out of its field's bounds. */
function setNumber(field: i32, value: f64): bool {
  const bounds = boundsAt + ((<usize>field) << 4);
  if (value < load<f64>(bounds) || value > load<f64>(bounds, 8)) return false;
  store<f64>(numbersAt + ((<usize>field) << 3), value);
  return true;
}

function readInteger(at: usize, field: i32): usize {
  const isNegative = load<u8>(at) === MINUS;
  const end = scanInteger(isNegative ? at + 1 : at);
  // -0 is for the plain path to know.
  if (end === NOWHERE || (isNegative && integer === 0)) return NOWHERE;
  return setNumber(field, isNegative ? -integer : integer) ? end : NOWHERE;
}

function readMicros(at: usize, field: i32): usize {
  const end = scanInteger(at);
  if (end === NOWHERE || integer < MICROS_MIN) return NOWHERE;
  return setNumber(field, integer) ? end : NOWHERE;
}

/** Decimal text as Debezium writes it in string mode: "1234.56". */
function readDecimalText(at: usize, field: i32): usize {
  if (load<u8>(at) !== QUOTE) return NOWHERE;
  const point = scanInteger(at + 1);
  if (point === NOWHERE || load<u8>(point) !== POINT) return NOWHERE;
  const tenths = load<u8>(point, 1) - ZERO;
  const hundredths = load<u8>(point, 2) - ZERO;
  if (tenths > 9 || hundredths > 9 || load<u8>(point, 3) !== QUOTE || integer > WHOLE_MAX) return NOWHERE;
  return setNumber(field, integer * 100 + <f64>(tenths * 10 + hundredths)) ? point + 4 : NOWHERE;
}

/** An unscaled value of scale 2 and at most five bytes, as Debezium writes a decimal(10,2) in precise mode: "AeJA". */
function readDecimalBase64(at: usize, field: i32, couldBeText: bool): usize {
  if (load<u8>(at) !== QUOTE) return NOWHERE;
  let end = at + 1;
  let unscaled: i64 = 0;
  let isText = true;
  for (; ; end++) {
    const byte = load<u8>(end);
    const digit = base64Digit(byte);
    if (digit < 0) break;
    if (digit < 52 && byte !== LOWER_E && byte !== UPPER_E) isText = false;
    unscaled = (unscaled << 6) | <i64>digit;
  }
  const digits = end - at - 1;
  while (load<u8>(end) === EQUALS) end++;
  const length = end - at - 1;
  const padding = length - digits;
  // Eight letters without padding may be "Infinity", and four that begin with a plus "+NaN".
  if (load<u8>(end) !== QUOTE || (length !== 4 && length !== 8) || padding > 2) return NOWHERE;
  if ((length === 8 && padding === 0) || load<u8>(at, 1) === PLUS) return NOWHERE;
  if (couldBeText && isText && padding === 0) return NOWHERE;
  // The last digit's bits that belong to no byte are dropped, as every decoder does.
  const whole = unscaled >> (2 * <i64>padding);
  const bits = 6 * <i64>digits - 2 * <i64>padding;
  const value = whole >> (bits - 1) === 0 ? whole : whole - ((<i64>1) << bits);
  return setNumber(field, <f64>value) ? end + 1 : NOWHERE;
}

/** The six bits of a character of base64, or -1. */
function base64Digit(byte: u8): i32 {
  if (byte >= UPPER_A && byte <= UPPER_Z) return byte - UPPER_A;
  if (byte >= LOWER_A && byte <= LOWER_Z) return byte - LOWER_A + 26;
  if (byte >= ZERO && byte <= NINE) return byte - ZERO + 52;
  if (byte === PLUS) return 62;
  return byte === SLASH ? 63 : -1;
}

/** Text of plain ASCII without escapes. */
function readText(at: usize, field: i32): usize {
  if (load<u8>(at) !== QUOTE) return NOWHERE;
  const start = at + 1;
  const end = behindPlainText(start);
  if (load<u8>(end) !== QUOTE) return NOWHERE;
  const begins = load<u16>(start);
  if (begins === TWO_UNDERSCORES || begins === UNDERSCORES_IN_BASE64) return NOWHERE;
  const text = textsAt + ((<usize>field) << 3);
  store<usize>(text, start);
  store<usize>(text, end, 4);
  return end + 1;
}

/** Behind the value that begins at `at`. */
export function skipValue(at: usize): usize {
  return skipNested(at, 0);
}

function skipNested(at: usize, depth: i32): usize {
  switch (load<u8>(at)) {
    case QUOTE:
      return skipString(at);
    case LOWER_N:
      return load<u32>(at) === NULL ? at + 4 : NOWHERE;
    case LOWER_T:
      return load<u32>(at) === TRUE ? at + 4 : NOWHERE;
    case LOWER_F:
      return load<u32>(at, 1) === ALSE ? at + 5 : NOWHERE;
    case OPEN_BRACE:
      return skipItems(at, CLOSE_BRACE, depth);
    case OPEN_BRACKET:
      return skipItems(at, CLOSE_BRACKET, depth);
    default:
      return skipNumber(at);
  }
}

/** Of an object or an array, from its opening on. */
function skipItems(at: usize, close: u8, depth: i32): usize {
  if (depth === DEPTH_MAX) return NOWHERE;
  let position = at + 1;
  if (load<u8>(position) === close) return position + 1;
  while (true) {
    if (close === CLOSE_BRACE) {
      position = skipString(position);
      if (position === NOWHERE || load<u8>(position) !== COLON) return NOWHERE;
      position++;
    }
    position = skipNested(position, depth + 1);
    if (position === NOWHERE) return NOWHERE;
    const byte = load<u8>(position);
    if (byte === close) return position + 1;
    if (byte !== COMMA) return NOWHERE;
    position++;
  }
}

export function skipString(at: usize): usize {
  if (load<u8>(at) !== QUOTE) return NOWHERE;
  let position = at + 1;
  while (true) {
    position = behindPlainText(position);
    const byte = load<u8>(position);
    if (byte === QUOTE) return position + 1;
    if (byte === BACKSLASH) {
      position = lastOfEscape(position);
      if (position === NOWHERE) return NOWHERE;
    } else if (byte < FIRST_PRINTABLE) return NOWHERE;
    else sawNonAscii = true;
    position++;
  }
}

/** The first byte from here on that does not stand for itself in a text: a control character, a quote, a backslash, no ASCII. */
function behindPlainText(at: usize): usize {
  let position = at;
  while (true) {
    const bytes = v128.load(position);
    const isSpecial = v128.or(
      v128.or(i8x16.lt_u(bytes, i8x16.splat(FIRST_PRINTABLE)), i8x16.ge_u(bytes, i8x16.splat(FIRST_NON_ASCII))),
      v128.or(i8x16.eq(bytes, i8x16.splat(QUOTE)), i8x16.eq(bytes, i8x16.splat(BACKSLASH))),
    );
    const mask = i8x16.bitmask(isSpecial);
    if (mask !== 0) return position + <usize>ctz(mask);
    position += 16;
  }
}

function lastOfEscape(backslash: usize): usize {
  switch (load<u8>(backslash, 1)) {
    case QUOTE:
    case BACKSLASH:
    case SLASH:
    case LOWER_B:
    case LOWER_F:
    case LOWER_N:
    case LOWER_R:
    case LOWER_T:
      return backslash + 1;
    case LOWER_U:
      for (let digit: usize = 2; digit < 6; digit++) if (!isHexDigit(load<u8>(backslash + digit))) return NOWHERE;
      return backslash + 5;
    default:
      return NOWHERE;
  }
}

function isHexDigit(byte: u8): bool {
  const lower = byte | CASE_BIT;
  return isDigit(byte) || (lower >= LOWER_A && lower <= LOWER_F);
}

function skipNumber(at: usize): usize {
  let position = load<u8>(at) === MINUS ? at + 1 : at;
  position = load<u8>(position) === ZERO ? position + 1 : skipDigits(position);
  if (position !== NOWHERE && load<u8>(position) === POINT) position = skipDigits(position + 1);
  if (position !== NOWHERE && (load<u8>(position) | CASE_BIT) === LOWER_E) {
    const sign = load<u8>(position, 1);
    position = skipDigits(sign === PLUS || sign === MINUS ? position + 2 : position + 1);
  }
  return position;
}

function isDigit(byte: u8): bool {
  return byte >= ZERO && byte <= NINE;
}

/** Behind the digits from `at` on; there must be one. */
function skipDigits(at: usize): usize {
  let position = at;
  while (areEightDigits(load<u64>(position))) position += 8;
  while (isDigit(load<u8>(position))) position++;
  return position === at ? NOWHERE : position;
}

/**
 * Behind the digits from `at` on, at least one and at most 16, which `integer` then has as a number. JSON has no leading zeros, and
 * what is beyond the safe integers is for JSON.parse to round.
 */
function scanInteger(at: usize): usize {
  let position = at;
  let value: u64 = 0;
  for (let word = load<u64>(position); areEightDigits(word); word = load<u64>(position)) {
    value = value * 100_000_000 + numberOfEight(word);
    position += 8;
  }
  for (let byte = load<u8>(position); isDigit(byte); byte = load<u8>(position)) {
    value = value * 10 + (byte - ZERO);
    position++;
  }
  const length = position - at;
  if (length === 0 || (length > 1 && load<u8>(at) === ZERO)) return NOWHERE;
  if (length > INTEGER_DIGITS_MAX || value > SAFE_INTEGER_MAX) return NOWHERE;
  integer = <f64>value;
  return position;
}

/** Whether these eight bytes are digits, 0x30 to 0x39: with 6 added, 0x3a to 0x3f are 0x40 and more. */
function areEightDigits(word: u64): bool {
  const high: u64 = 0xf0f0_f0f0_f0f0_f0f0;
  const threes: u64 = 0x3030_3030_3030_3030;
  return (word & high) === threes && ((word + 0x0606_0606_0606_0606) & high) === threes;
}

/** The number that eight digits are, the lowest byte's first: pairs at once, then fours, then all [lemire.me/blog/2022/01/21]. */
function numberOfEight(word: u64): u64 {
  const pairs = ((word & 0x0f0f_0f0f_0f0f_0f0f) * 2_561) >> 8;
  const fours = ((pairs & 0x00ff_00ff_00ff_00ff) * 6_553_601) >> 16;
  return ((fours & 0x0000_ffff_0000_ffff) * 42_949_672_960_001) >> 32;
}
