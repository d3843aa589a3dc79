import { columnError } from "./errors.ts";
import { type ColumnSchema, isJsonObject } from "./row.ts";

export interface DecimalOptions {
  /**
   * What a text without schema is: decimal text (`decimal.handling.mode=string`) or base64 of the unscaled value
   * (`precise`, Debezium's default). Without this option each text is recognised, and an error if it could be both.
   */
  encoding?: "text" | "base64";
  /** Digits after the point of a base64 value without schema. Default 2, as in `decimal(10,2)`. */
  scale?: number;
}

const CENT_DIGITS = 2;

/** The longest number of digits a safe integer has. */
const SAFE_DIGITS_MAX = 16;

/** Double mode: with more than 15 significant digits two different amounts can be the same double. */
const DOUBLE_CENTS_MAX = 10 ** 15 - 1;

/** PostgreSQL's numeric has at most 16,383 digits after the point; with 16 before it no whole amount needs more bytes. */
const UNSCALED_BYTES_MAX = 6_820;

/** As BigDecimal, PostgreSQL and JavaScript print a number: no leading zeros, no plus sign; sometimes an exponent. */
const DECIMAL_TEXT = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:E([+-]?\d{1,9}))?$/i;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$/;

/** Not a number at all. Debezium, PostgreSQL and Jackson spell these differently. */
const SPECIAL_VALUE = /^[+-]?(?:nan|(?:(?:positive|negative)_)?infinity)$/i;

/** A decimal column as an exact whole number of cents, whatever `decimal.handling.mode` it was written with. */
export function decimalCents(
  column: string,
  value: unknown,
  schema: ColumnSchema | undefined,
  options: DecimalOptions,
): number {
  if (typeof value === "number") return numberToCents(column, value);
  if (typeof value === "string") {
    if (SPECIAL_VALUE.test(value)) throw outOfRange(column, value);
    return encodingOf(column, value, schema, options) === "text"
      ? textToCents(column, value)
      : base64ToCents(
          column,
          value,
          schema === undefined ? (options.scale ?? CENT_DIGITS) : scaleOf(column, value, schema),
        );
  }
  // io.debezium.data.VariableScaleDecimal, of a numeric column without precision: it brings its scale along.
  if (isJsonObject(value)) {
    const { scale, value: unscaled } = value;
    if (Number.isSafeInteger(scale) && typeof unscaled === "string") {
      return base64ToCents(column, unscaled, scale as number);
    }
  }
  throw columnError("CHANGE_EVENT_COLUMN_TYPE", column, value, "expected a decimal as text, base64, struct or number");
}

/**
 * A decimal text of scale > 0 has a point, which base64 has not; base64 of most amounts has letters, which decimal text
 * has not. What is left are texts of 4, 8, … digits: "5000" is either 5,000 (a column retyped to an integral numeric,
 * string mode) or the three bytes of -16,186.36 (precise mode; always negative, since a leading digit sets the sign
 * bit: of decimal(10,2), 9,000 amounts from -26,672.12 to -5,326.11). Guessing would be silently wrong for one of them.
 */
function encodingOf(
  column: string,
  text: string,
  schema: ColumnSchema | undefined,
  options: DecimalOptions,
): "text" | "base64" {
  if (schema !== undefined) return schema.type === "bytes" ? "base64" : "text";
  if (options.encoding !== undefined) return options.encoding;
  if (!BASE64.test(text)) return "text";
  if (!DECIMAL_TEXT.test(text)) return "base64";
  throw columnError(
    "CHANGE_EVENT_VALUE_AMBIGUOUS",
    column,
    text,
    "it can be decimal text or base64; pass the option encoding, or set schemas.enable=true on the converter",
  );
}

function scaleOf(column: string, value: string, schema: ColumnSchema): number {
  const scale = schema.name === "org.apache.kafka.connect.data.Decimal" ? schema.parameters?.["scale"] : undefined;
  if (typeof scale === "string" && /^-?\d{1,5}$/.test(scale)) return Number(scale);
  throw columnError(
    "CHANGE_EVENT_COLUMN_TYPE",
    column,
    value,
    `the schema says ${schema.name ?? "plain bytes"} without a scale, which is not a decimal`,
  );
}

function textToCents(column: string, text: string): number {
  const parts = DECIMAL_TEXT.exec(text);
  if (parts === null) throw columnError("CHANGE_EVENT_COLUMN_TYPE", column, text, "expected a decimal");
  const [, sign, whole = "", fraction = "", exponent = "0"] = parts;
  return digitsToCents(column, text, sign === "-", whole + fraction, Number(exponent) - fraction.length);
}

function base64ToCents(column: string, text: string, scale: number): number {
  if (!BASE64.test(text)) {
    throw columnError("CHANGE_EVENT_COLUMN_TYPE", column, text, "expected base64 of a decimal's unscaled value");
  }
  const bytes = Buffer.from(text, "base64");
  if (bytes.length > UNSCALED_BYTES_MAX) throw outOfRange(column, text);
  if (bytes.length > 6) {
    const unscaled = BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString("hex")}`));
    const digits = String(unscaled < 0n ? -unscaled : unscaled);
    return digitsToCents(column, text, unscaled < 0n, digits, -scale);
  }
  const unscaled = bytes.readIntBE(0, bytes.length);
  if (scale === CENT_DIGITS) return unscaled;
  return digitsToCents(column, text, unscaled < 0, String(Math.abs(unscaled)), -scale);
}

/** (-1)^negative × digits × 10^exponent, by moving the point: no float, and no power of ten of a size a sender chooses. */
function digitsToCents(column: string, value: unknown, negative: boolean, digits: string, exponent: number): number {
  const significant = digits.replace(/^0+/, "");
  if (significant === "") return 0;
  const shift = exponent + CENT_DIGITS;
  if (significant.length + shift > SAFE_DIGITS_MAX) throw outOfRange(column, value);
  if (shift < 0 && !/^0+$/.test(significant.slice(shift))) throw notWholeCents(column, value);
  const cents = Number(shift < 0 ? significant.slice(0, shift) : significant + "0".repeat(shift));
  if (!Number.isSafeInteger(cents)) throw outOfRange(column, value);
  return negative ? -cents : cents;
}

/** Of double mode, of the converter's `decimal.format=NUMERIC`, and of a column retyped to an integer. */
function numberToCents(column: string, value: number): number {
  const cents = Math.round(value * 100);
  if (!(Math.abs(cents) <= DOUBLE_CENTS_MAX)) throw outOfRange(column, value);
  // Division rounds to the nearest double, so equality means: the shortest decimal text of value is exactly cents / 100.
  if (cents / 100 !== value) throw notWholeCents(column, value);
  return cents + 0; // turns -0 into 0
}

function notWholeCents(column: string, value: unknown) {
  return columnError(
    "CHANGE_EVENT_VALUE_NOT_WHOLE_CENTS",
    column,
    value,
    "not a whole number of cents, and amounts are never rounded here; round it where it is written",
  );
}

function outOfRange(column: string, value: unknown) {
  return columnError(
    "CHANGE_EVENT_VALUE_OUT_OF_RANGE",
    column,
    value,
    "not an amount that a whole number of cents can say exactly (at most 2^53 - 1; 10^15 - 1 in double mode)",
  );
}
