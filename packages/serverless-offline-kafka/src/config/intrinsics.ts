import type { Properties } from "./json.ts";
import { isObject, own, show } from "./json.ts";

/** What intrinsic functions can refer to. Both throw Unresolvable. */
export interface Scope {
  /** `Ref`, without an attribute, and `Fn::GetAtt`. Undefined is AWS::NoValue. */
  refer(name: string, attribute?: string): unknown;
  importValue(exportName: string): unknown;
}

/** A value that only CloudFormation knows. `reference` names what it depends on, if one thing. */
export class Unresolvable extends Error {
  readonly reference: string | undefined;

  constructor(reason: string, reference?: string) {
    super(reason);
    this.name = "Unresolvable";
    this.reference = reference;
  }
}

type IntrinsicFunction = (argument: unknown, scope: Scope) => unknown;

const INTRINSIC_FUNCTIONS: ReadonlyMap<string, IntrinsicFunction> = new Map<string, IntrinsicFunction>([
  ["Ref", resolveRef],
  ["Fn::GetAtt", resolveGetAtt],
  ["Fn::ImportValue", resolveImportValue],
  ["Fn::Join", resolveJoin],
  ["Fn::Select", resolveSelect],
  ["Fn::Split", resolveSplit],
  ["Fn::Sub", resolveSub],
]);

/** `${Name}`, `${Name.Attribute}`, and `${!Literal}` which stands for `${Literal}`. */
const SUB_VARIABLE_PATTERN = /\$\{(!?)([^}]*)\}/g;

/** The name of the intrinsic function that a value calls: the only key of an object. */
export function intrinsicName(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0) return undefined;
  return name === "Ref" || name.startsWith("Fn::") ? name : undefined;
}

/**
 * A value with every intrinsic function in it replaced by what it stands for locally. What AWS::NoValue stands for is left
 * out of its object or list.
 *
 * @throws Unresolvable
 */
export function resolveIntrinsics(value: unknown, scope: Scope): unknown {
  const name = intrinsicName(value);
  if (name !== undefined) {
    const call = INTRINSIC_FUNCTIONS.get(name);
    if (call === undefined) throw new Unresolvable(`${name} is not evaluated locally`);
    return call(own(value as Properties, name), scope);
  }
  if (Array.isArray(value)) {
    return value.map((item) => resolveIntrinsics(item, scope)).filter((item) => item !== undefined);
  }
  if (!isObject(value)) return value;
  const resolved = Object.entries(value).map(([key, item]) => [key, resolveIntrinsics(item, scope)] as const);
  return Object.fromEntries(resolved.filter(([, item]) => item !== undefined));
}

/** The same for a value that may be unknown: what it is, or why it is not known. */
export function resolveIfKnown(value: unknown, scope: Scope): { readonly value: unknown } | Unresolvable {
  try {
    return { value: resolveIntrinsics(value, scope) };
  } catch (error) {
    if (error instanceof Unresolvable) return error;
    throw error;
  }
}

function resolveRef(argument: unknown, scope: Scope): unknown {
  if (typeof argument !== "string") throw malformed("Ref", argument, "a logical id");
  return scope.refer(argument);
}

function resolveGetAtt(argument: unknown, scope: Scope): unknown {
  const [name, attribute] = typeof argument === "string" ? splitAttribute(argument) : asTuple("Fn::GetAtt", argument);
  if (typeof name !== "string" || typeof attribute !== "string") {
    throw malformed("Fn::GetAtt", argument, "[LogicalId, Attribute]");
  }
  return scope.refer(name, attribute);
}

function resolveImportValue(argument: unknown, scope: Scope): unknown {
  return scope.importValue(resolveText("Fn::ImportValue", argument, scope));
}

function resolveJoin(argument: unknown, scope: Scope): string {
  const [delimiter, declared] = asTuple("Fn::Join", argument);
  const list = resolveIntrinsics(declared, scope);
  if (typeof delimiter !== "string" || !Array.isArray(list)) {
    throw malformed("Fn::Join", argument, "[delimiter, [value, …]]");
  }
  return list.map((item) => resolveText("Fn::Join", item, scope)).join(delimiter);
}

function resolveSelect(argument: unknown, scope: Scope): unknown {
  const [declaredIndex, declaredList] = asTuple("Fn::Select", argument);
  const list = resolveIntrinsics(declaredList, scope);
  const index = Number(resolveText("Fn::Select", declaredIndex, scope));
  if (!Array.isArray(list) || !Number.isInteger(index) || index < 0 || index >= list.length) {
    throw malformed("Fn::Select", argument, "[index, [value, …]] with an index that the list has");
  }
  return list[index];
}

function resolveSplit(argument: unknown, scope: Scope): readonly string[] {
  const [delimiter, text] = asTuple("Fn::Split", argument);
  if (typeof delimiter !== "string" || delimiter === "") throw malformed("Fn::Split", argument, "[delimiter, text]");
  return resolveText("Fn::Split", text, scope).split(delimiter);
}

function resolveSub(argument: unknown, scope: Scope): string {
  const [text, declared] = typeof argument === "string" ? [argument, {}] : asTuple("Fn::Sub", argument);
  if (typeof text !== "string" || !isObject(declared))
    throw malformed("Fn::Sub", argument, "text, or [text, {Name: value}]");
  return text.replace(SUB_VARIABLE_PATTERN, (_whole, literal: string, name: string) => {
    if (literal !== "") return `\${${name}}`;
    if (Object.hasOwn(declared, name)) return resolveText("Fn::Sub", declared[name], scope);
    const [logicalId, attribute] = splitAttribute(name);
    return asText("Fn::Sub", scope.refer(logicalId, attribute));
  });
}

/** A.B.C is the attribute B.C of A. */
function splitAttribute(name: string): [logicalId: string, attribute: string | undefined] {
  const dot = name.indexOf(".");
  return dot === -1 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)];
}

function resolveText(name: string, value: unknown, scope: Scope): string {
  return asText(name, resolveIntrinsics(value, scope));
}

function asText(name: string, value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
    throw malformed(name, value, "text");
  }
  return String(value);
}

function asTuple(name: string, argument: unknown): readonly [unknown, unknown] {
  if (!Array.isArray(argument) || argument.length !== 2) throw malformed(name, argument, "a list of two");
  return [argument[0], argument[1]];
}

function malformed(name: string, argument: unknown, expected: string): Unresolvable {
  return new Unresolvable(`${name} has ${show(argument)} where it takes ${expected}`);
}
