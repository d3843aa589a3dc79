import { isUtf8 } from "node:buffer";
import { MappingError } from "../errors.ts";
import type { RecordValue } from "./pattern.ts";
import { compilePattern } from "./pattern.ts";
import { NumberLeaf } from "./rule.ts";

/** True: the record is invoked. False: it is passed over, and committed with its batch. */
export type RecordFilter = (value: Buffer | null) => boolean;

/** What any JSON text begins with. It spares the exception that a parser makes of a plain string. */
const JSON_START_PATTERN = /^[ \t\r\n]*[{["\-0-9tfn]/;

/**
 * Compiles the patterns of a mapping's FilterCriteria; a record that matches any of them is invoked, and without patterns
 * every record is.
 *
 * @example compileFilters([{ value: { device_ID: [{ prefix: "AB" }] } }])
 * @throws MappingError SOK_FILTER_INVALID for a pattern that checkPattern has something to say of
 */
export function compileFilters(patterns: ReadonlyArray<Readonly<Record<string, unknown>>>): RecordFilter {
  if (patterns.length === 0) return () => true;
  const compiled = patterns.map(compilePattern);
  const readsNumberText = compiled.some((pattern) => pattern.readsNumberText);
  return (value) => {
    const record = readValue(value, readsNumberText);
    return compiled.some((pattern) => pattern.matches(record, record));
  };
}

/** Why AWS would refuse a pattern, in a sentence with the place in it; undefined if it is fine. */
export function checkPattern(pattern: unknown): string | undefined {
  try {
    compilePattern(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof MappingError) return error.message;
    throw error;
  }
}

/** Valid JSON is any JSON text, so 42 is JSON and no plain string (AWS does not say). */
function readValue(value: Buffer | null, readsNumberText: boolean): RecordValue {
  if (value === null || !isUtf8(value)) return { kind: "opaque" };
  const text = value.toString("utf8");
  if (!JSON_START_PATTERN.test(text)) return { kind: "text", text };
  try {
    return { kind: "json", json: readsNumberText ? JSON.parse(text, keepNumberText) : JSON.parse(text) };
  } catch {
    // Not JSON, or deeper than any parser takes.
    return { kind: "text", text };
  }
}

/** The third argument is the text in the document; the types of ES2024 do not know it yet. */
function keepNumberText(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === "number" ? new NumberLeaf(context?.source ?? String(value), value) : value;
}
