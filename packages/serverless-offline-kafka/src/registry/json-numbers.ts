/** JSON has no word for these: strings, as ProtoJSON has them (and Avro's Java library prints them). */
function nonFinite(value: number): string {
  return JSON.stringify(String(value));
}

export function doubleJson(value: number): string {
  if (!Number.isFinite(value)) return nonFinite(value);
  // JSON.stringify loses this sign.
  return Object.is(value, -0) ? "-0" : JSON.stringify(value);
}

/** Digits that tell every 32-bit float from its neighbours. */
const FLOAT_DIGITS_MAX = 9;

/** The shortest decimal that is this 32-bit float: 1.1, where the double that holds it prints 1.100000023841858. */
export function floatJson(value: number): string {
  if (!Number.isFinite(value) || value === 0) return doubleJson(value);
  for (let digits = 1; digits < FLOAT_DIGITS_MAX; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === value) return JSON.stringify(candidate);
  }
  return JSON.stringify(Number(value.toPrecision(FLOAT_DIGITS_MAX)));
}
