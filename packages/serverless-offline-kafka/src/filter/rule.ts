import { MappingError } from "../errors.ts";

/** A number of an event, with its digits as they were written: exact match compares text. */
export class NumberLeaf {
  readonly text: string;
  readonly value: number;

  constructor(text: string, value: number) {
    this.text = text;
    this.value = value;
  }
}

/** What a rule is tried on. Numbers are NumberLeaf where any rule reads their text, plain numbers elsewhere. */
export type Leaf = string | number | boolean | null | NumberLeaf;

/** One entry of a field's list. */
export type Rule =
  | {
      readonly kind: "leaf";
      readonly test: (leaf: Leaf) => boolean;
      /** Whether `test` needs NumberLeaf. */
      readonly readsNumberText: boolean;
    }
  /** `exists: false`, which is about the whole event, not about a leaf. */
  | { readonly kind: "absent" };

/** Numeric matching compares numbers from -5.0e9 to 5.0e9 [eb-create-pattern-operators, numeric matching]. */
const NUMERIC_ABSOLUTE_MAX = 5e9;

/**
 * Operators of event buses only: EventBridge's table of comparison operators denies wildcard to pipes and leaves cidr out,
 * and Lambda's own table has neither [eb-create-pattern-operators; invocation-eventfiltering, filter rule syntax].
 */
const OPERATORS_OF_EVENT_BUSES = new Set(["cidr", "wildcard"]);

/**
 * What `anything-but` may wrap. The pages differ: EventBridge denies every wrapped form to pipes, which filter as event
 * source mappings do, and Lambda's page takes EventBridge's syntax over without an exception (AWS does not say).
 */
const ANYTHING_BUT_OPERATORS = ["prefix", "suffix"] as const;

type Operator = (operand: unknown, where: string) => Rule;

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ["anything-but", readAnythingBut],
  ["equals-ignore-case", readEqualsIgnoreCase],
  ["exists", readExists],
  ["numeric", readNumeric],
  ["prefix", (operand, where) => readAffix(operand, where, (text, affix) => text.startsWith(affix))],
  ["suffix", (operand, where) => readAffix(operand, where, (text, affix) => text.endsWith(affix))],
]);

/**
 * @param where a path inside the pattern, empty for all of it
 * @throws MappingError SOK_FILTER_INVALID
 */
export function refuse(where: string, reason: string): never {
  throw new MappingError("SOK_FILTER_INVALID", `filter pattern: ${where === "" ? "it" : where} ${reason}`);
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof NumberLeaf);
}

/** Reads one entry of a field's list: a value that the event must have, or `{ operator: operand }`. */
export function readRule(rule: unknown, where: string): Rule {
  if (typeof rule === "string" || typeof rule === "boolean" || rule === null) return leaf((value) => value === rule);
  if (typeof rule === "number") {
    // The digits a deployment would send, which need not be those in serverless.yml.
    const text = JSON.stringify(rule);
    return leaf((value) => value instanceof NumberLeaf && value.text === text, true);
  }
  if (!isPlainObject(rule)) refuse(where, "is a list; a rule is a string, a number, true, false, null or an operator");
  const [name, operand] = onlyEntry(rule, where);
  const operator = OPERATORS.get(name);
  if (operator !== undefined) return operator(operand, `${where}.${name}`);
  if (OPERATORS_OF_EVENT_BUSES.has(name)) refuse(where, `uses ${name}, which Lambda does not support in event filters`);
  refuse(where, `uses ${name}, which is no operator; there are ${[...OPERATORS.keys()].join(", ")}`);
}

function readAffix(operand: unknown, where: string, has: (text: string, affix: string) => boolean): Rule {
  if (typeof operand === "string") return leaf((value) => typeof value === "string" && has(value, operand));
  if (!isPlainObject(operand)) refuse(where, 'is a string, or { "equals-ignore-case": a string }');
  const [name, affix] = onlyEntry(operand, where);
  if (name !== "equals-ignore-case" || typeof affix !== "string") {
    refuse(where, 'is a string, or { "equals-ignore-case": a string }');
  }
  const lower = affix.toLowerCase();
  return leaf((value) => typeof value === "string" && has(value.toLowerCase(), lower));
}

function readEqualsIgnoreCase(operand: unknown, where: string): Rule {
  if (typeof operand !== "string") refuse(where, "is a string");
  const lower = operand.toLowerCase();
  return leaf((value) => typeof value === "string" && value.toLowerCase() === lower);
}

function readExists(operand: unknown, where: string): Rule {
  if (typeof operand !== "boolean") refuse(where, "is true or false");
  return operand ? leaf(() => true) : { kind: "absent" };
}

/** Everything that is there and is none of these: another type is another value, so `anything-but: "5"` matches 5. */
function readAnythingBut(operand: unknown, where: string): Rule {
  if (isPlainObject(operand)) return readAnythingButAffix(operand, where);
  const values: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  const ofOneType = ["string", "number"].some((type) => values.every((value) => typeof value === type));
  if (values.length === 0 || !ofOneType) {
    refuse(where, "is a string, a number, or a list of only strings or only numbers, with at least one");
  }
  const excluded = values.map((value) => readRule(value, where)).filter((rule) => rule.kind === "leaf");
  return leaf(
    (value) => !excluded.some((rule) => rule.test(value)),
    excluded.some((rule) => rule.readsNumberText),
  );
}

function readAnythingButAffix(operand: Readonly<Record<string, unknown>>, where: string): Rule {
  const [name, affix] = onlyEntry(operand, where);
  const operator = ANYTHING_BUT_OPERATORS.find((known) => known === name);
  if (operator === undefined) {
    refuse(where, `wraps ${name}, which Lambda does not support; it may wrap ${ANYTHING_BUT_OPERATORS.join(" or ")}`);
  }
  if (typeof affix !== "string" || affix === "") refuse(`${where}.${name}`, "is a string of at least one character");
  return leaf(
    (value) =>
      !(typeof value === "string" && (operator === "prefix" ? value.startsWith(affix) : value.endsWith(affix))),
  );
}

const COMPARISONS: ReadonlyMap<unknown, (value: number, bound: number) => boolean> = new Map([
  ["=", (value: number, bound: number) => value === bound],
  ["<", (value: number, bound: number) => value < bound],
  ["<=", (value: number, bound: number) => value <= bound],
  [">", (value: number, bound: number) => value > bound],
  [">=", (value: number, bound: number) => value >= bound],
]);

const isLower = (operator: unknown) => operator === ">" || operator === ">=";
const isUpper = (operator: unknown) => operator === "<" || operator === "<=";

/** One comparison, or a range written from its lower bound: [">", 0, "<=", 5]. */
function readNumeric(operand: unknown, where: string): Rule {
  if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
    refuse(where, 'is one comparison, ["=", 100], or two, [">", 10, "<=", 20]');
  }
  const [operator, bound, upperOperator, upperBound]: readonly unknown[] = operand;
  const compare = readComparison(operator, bound, where);
  if (operand.length === 2) return numericLeaf(compare);

  const compareUpper = readComparison(upperOperator, upperBound, where);
  if (!isLower(operator) || !isUpper(upperOperator) || Number(bound) >= Number(upperBound)) {
    refuse(where, "is no range: write > or >= with the lower number, then < or <= with the higher one");
  }
  return numericLeaf((value) => compare(value) && compareUpper(value));
}

function readComparison(operator: unknown, bound: unknown, where: string): (value: number) => boolean {
  const compare = COMPARISONS.get(operator);
  if (compare === undefined) refuse(where, `has an operator other than ${[...COMPARISONS.keys()].join(", ")}`);
  if (typeof bound !== "number" || !isComparable(bound)) {
    refuse(
      where,
      `compares with something else than a number from ${-NUMERIC_ABSOLUTE_MAX} to ${NUMERIC_ABSOLUTE_MAX}`,
    );
  }
  return (value) => compare(value, bound);
}

function numericLeaf(compare: (value: number) => boolean): Rule {
  return leaf((value) => {
    const number = value instanceof NumberLeaf ? value.value : value;
    return typeof number === "number" && isComparable(number) && compare(number);
  });
}

function isComparable(value: number): boolean {
  return Math.abs(value) <= NUMERIC_ABSOLUTE_MAX;
}

function leaf(test: (leaf: Leaf) => boolean, readsNumberText = false): Rule {
  return { kind: "leaf", test, readsNumberText };
}

function onlyEntry(object: Readonly<Record<string, unknown>>, where: string): readonly [string, unknown] {
  const [entry, ...others] = Object.entries(object);
  if (entry === undefined || others.length > 0) refuse(where, "is no rule: it has one operator as its only key");
  return entry;
}
