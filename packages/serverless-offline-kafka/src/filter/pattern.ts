import type { Leaf } from "./rule.ts";
import { isPlainObject, NumberLeaf, readRule, refuse } from "./rule.ts";

/** Filters of one mapping: 5, or 10 with a raised quota [invocation-eventfiltering]. */
export const FILTERS_MAX_DEFAULT = 5;
export const FILTERS_MAX_QUOTA = 10;
/** Length of a filter's Pattern [API_Filter], as the JSON that a deployment sends. */
const PATTERN_CHARACTERS_MAX = 4_096;
/** What the `$or` of one pattern may multiply to [eb-create-pattern-operators, $or matching]. */
const OR_COMBINATIONS_MAX = 1_000;
/** Fewer alternatives are no choice: event-ruler, the matcher of EventBridge, asks for two. */
const OR_ALTERNATIVES_MIN = 2;
const OR_KEY = "$or";
/** The only key of a Kafka record that filters see [kafka-filtering]. */
const DATA_KEY = "value";

/** A record's value as filters see it. `opaque`: a tombstone, or bytes that are not UTF-8. */
export type RecordValue =
  | { readonly kind: "json"; readonly json: unknown }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "opaque" };

interface Part<Subject> {
  /** `whole` is what the pattern began with, for rules about what must be nowhere in it. */
  readonly matches: (subject: Subject, whole: Subject) => boolean;
  /** How many patterns without `$or` it stands for. */
  readonly combinations: number;
  /** Whether the numbers of a JSON value must be NumberLeaf. */
  readonly readsNumberText: boolean;
}

export type CompiledPattern = Part<RecordValue>;

/**
 * Reads a pattern, an object as `JSON.parse` makes it.
 *
 * @throws MappingError SOK_FILTER_INVALID for what AWS would refuse, with the place in the pattern
 */
export function compilePattern(pattern: unknown): CompiledPattern {
  const deployed = asDeployed(pattern);
  if (!isPlainObject(deployed)) refuse("", 'is no object; write { "value": ... }');
  const compiled = readFields(deployed, "", readDataField);
  if (compiled.combinations > OR_COMBINATIONS_MAX) {
    refuse(OR_KEY, `makes ${compiled.combinations} combinations, ${OR_COMBINATIONS_MAX} is the most`);
  }
  return compiled;
}

/** The pattern after the trip through CloudFormation, where it is a string of JSON. */
function asDeployed(pattern: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(pattern);
  } catch {
    // Too deep, circular, a bigint: nothing that came from YAML or JSON.
  }
  if (text === undefined) refuse("", "cannot be written as JSON");
  if (text.length > PATTERN_CHARACTERS_MAX) {
    refuse("", `has ${text.length} characters as JSON, ${PATTERN_CHARACTERS_MAX} is the most`);
  }
  return JSON.parse(text);
}

type FieldReader<Subject> = (key: string, pattern: unknown, where: string) => Part<Subject>;

/** All the fields of an object, and one alternative of each `$or` in it. */
function readFields<Subject>(
  fields: Readonly<Record<string, unknown>>,
  where: string,
  readField: FieldReader<Subject>,
): Part<Subject> {
  const parts = Object.entries(fields).map(([key, pattern]) => {
    const at = where === "" ? key : `${where}.${key}`;
    return key === OR_KEY ? readOr(pattern, at, readField) : readField(key, pattern, at);
  });
  if (parts.length === 0) refuse(where, "is an empty object, which matches nothing and is not allowed");
  return {
    matches: (subject, whole) => parts.every((part) => part.matches(subject, whole)),
    combinations: parts.reduce((product, part) => product * part.combinations, 1),
    readsNumberText: parts.some((part) => part.readsNumberText),
  };
}

/** A field that is called `$or` cannot be matched: such a key is always the operator (AWS does not say). */
function readOr<Subject>(pattern: unknown, where: string, readField: FieldReader<Subject>): Part<Subject> {
  const alternatives: readonly unknown[] = Array.isArray(pattern) ? pattern : [];
  if (alternatives.length < OR_ALTERNATIVES_MIN || !alternatives.every(isPlainObject)) {
    refuse(where, `is a list of ${OR_ALTERNATIVES_MIN} objects or more`);
  }
  const parts = alternatives.map((fields, index) => readFields(fields, `${where}[${index}]`, readField));
  return {
    matches: (subject, whole) => parts.some((part) => part.matches(subject, whole)),
    combinations: parts.reduce((sum, part) => sum + part.combinations, 0),
    readsNumberText: parts.some((part) => part.readsNumberText),
  };
}

/**
 * A list is a plain string pattern, an object a JSON pattern. Each applies to its own kind of value; every other value
 * passes, for there only the metadata is compared, and of a Kafka record no metadata can be named [kafka-filtering]. So a
 * tombstone passes as well (AWS does not say). A key other than `value` is refused here, for a filter that quietly drops
 * everything helps nobody (AWS does not say what it does with one).
 */
function readDataField(key: string, pattern: unknown, where: string): Part<RecordValue> {
  if (key !== DATA_KEY) refuse(where, `cannot be filtered on: a Kafka record is filtered on its ${DATA_KEY} only`);
  const part = readNested(pattern, [], where);
  return Array.isArray(pattern)
    ? {
        ...part,
        matches: (record) => record.kind !== "text" || part.matches(record.text, record.text),
        readsNumberText: false,
      }
    : { ...part, matches: (record) => record.kind !== "json" || part.matches(record.json, record.json) };
}

function readNested(pattern: unknown, path: readonly string[], where: string): Part<unknown> {
  if (Array.isArray(pattern)) return readRules(pattern, path, where);
  if (!isPlainObject(pattern)) refuse(where, "is neither a list of rules nor an object of fields; write [ ... ]");
  const fields = readFields(pattern, where, (key, nested, at) => {
    const part = readNested(nested, [...path, key], at);
    return { ...part, matches: (value, whole) => part.matches(property(value, key), whole) };
  });
  return { ...fields, matches: (value, whole) => someObject(value, (object) => fields.matches(object, whole)) };
}

/** A field's list: one of its rules is enough. */
function readRules(list: readonly unknown[], path: readonly string[], where: string): Part<unknown> {
  if (list.length === 0) refuse(where, "is an empty list, which matches nothing and is not allowed");
  const rules = list.map((rule, index) => readRule(rule, `${where}[${index}]`));
  const mayBeAbsent = rules.some((rule) => rule.kind === "absent");
  const leafRules = rules.filter((rule) => rule.kind === "leaf");
  return {
    matches: (value, whole) =>
      someElement(value, (element) => isLeaf(element) && leafRules.some((rule) => rule.test(element))) ||
      (mayBeAbsent && !hasLeaf(whole, path, 0)),
    combinations: 1,
    readsNumberText: leafRules.some((rule) => rule.readsNumberText),
  };
}

/** Whether a leaf stands at the path anywhere: an object or an empty array there is none [event-ruler, exists matching]. */
function hasLeaf(value: unknown, path: readonly string[], depth: number): boolean {
  const key = path[depth];
  return someElement(value, (element) =>
    key === undefined ? isLeaf(element) : hasLeaf(property(element, key), path, depth + 1),
  );
}

/**
 * Fields of one pattern object must match within one object of the event: of an array in one and the same element
 * [event-ruler, array matching]. Where there is no object all its fields are missing, which `exists: false` may ask for.
 */
function someObject(value: unknown, test: (object: unknown) => boolean): boolean {
  let found = false;
  const matched = someElement(value, (element) => {
    if (!isPlainObject(element)) return false;
    found = true;
    return test(element);
  });
  return matched || (!found && test(undefined));
}

/** Arrays in an event stand for their elements, however deep [eb-event-patterns-arrays]. No recursion: records are deep. */
function someElement(value: unknown, test: (element: unknown) => boolean): boolean {
  if (!Array.isArray(value)) return test(value);
  const lists: unknown[][] = [value];
  for (const list of lists) {
    for (const element of list) {
      if (Array.isArray(element)) lists.push(element);
      else if (test(element)) return true;
    }
  }
  return false;
}

function property(value: unknown, key: string): unknown {
  return isPlainObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

function isLeaf(value: unknown): value is Leaf {
  return value !== undefined && (value === null || typeof value !== "object" || value instanceof NumberLeaf);
}
