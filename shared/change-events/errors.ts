/** Every way in which a change event or one of its columns can be unreadable. Codes are stable: alarms and tests match on them. */
export const CHANGE_EVENT_ERROR_CODES = [
  "CHANGE_EVENT_NOT_BASE64",
  "CHANGE_EVENT_NOT_JSON",
  "CHANGE_EVENT_NOT_AN_ENVELOPE",
  "CHANGE_EVENT_COLUMN_MISSING",
  "CHANGE_EVENT_COLUMN_NULL",
  "CHANGE_EVENT_COLUMN_TYPE",
  "CHANGE_EVENT_VALUE_AMBIGUOUS",
  "CHANGE_EVENT_VALUE_NOT_WHOLE_CENTS",
  "CHANGE_EVENT_VALUE_OUT_OF_RANGE",
  "CHANGE_EVENT_VALUE_UNAVAILABLE",
] as const;

export type ChangeEventErrorCode = (typeof CHANGE_EVENT_ERROR_CODES)[number];

/** The only error this folder throws, whatever the bytes: the record is poison, retrying it cannot help. */
export class ChangeEventError extends Error {
  override readonly name = "ChangeEventError";
  readonly code: ChangeEventErrorCode;
  /** The column that could not be read; absent when the message as a whole could not be. */
  readonly column: string | undefined;

  constructor(code: ChangeEventErrorCode, message: string, details: { column?: string; cause?: unknown } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.column = details.column;
  }
}

export function notAnEnvelope(problem: string): ChangeEventError {
  return new ChangeEventError(
    "CHANGE_EVENT_NOT_AN_ENVELOPE",
    `not a Debezium envelope: ${problem}; ` +
      "the connector must use JsonConverter and no transform that flattens the event (ExtractNewRecordState)",
  );
}

/** `advice` finishes the sentence: what was expected here and what to do about it. */
export function columnError(
  code: ChangeEventErrorCode,
  column: string,
  found: unknown,
  advice: string,
  cause?: unknown,
): ChangeEventError {
  return new ChangeEventError(code, `column "${column}" holds ${describe(found)}: ${advice}`, { column, cause });
}

/** Enough to recognise a value in a log, little enough not to copy a row into it. */
const FOUND_LENGTH_MAX = 40;

/** Never serialises an object: a hostile one could be nested too deeply for JSON.stringify. */
export function describe(found: unknown): string {
  if (typeof found === "string") {
    const shown = JSON.stringify(found.slice(0, FOUND_LENGTH_MAX));
    return found.length > FOUND_LENGTH_MAX ? `the text ${shown}… (${found.length} characters)` : `the text ${shown}`;
  }
  if (Array.isArray(found)) return "an array";
  if (typeof found === "object" && found !== null) return "an object";
  return found === undefined ? "nothing" : `${typeof found === "number" ? "the number " : ""}${String(found)}`;
}
