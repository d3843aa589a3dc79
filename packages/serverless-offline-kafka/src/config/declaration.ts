import type { MappingErrorCode } from "../errors.ts";
import { MappingError } from "../errors.ts";
import type { Scope } from "./intrinsics.ts";
import { intrinsicName, resolveIfKnown, Unresolvable } from "./intrinsics.ts";
import type { Properties } from "./json.ts";
import { asList, isObject, own, show } from "./json.ts";
import { nearestName } from "./names.ts";
import { settingPath } from "./settings.ts";

/** How a user wrote a property, by its path in CloudFormation, where that is not the same. The first that fits counts. */
export type Labels = ReadonlyArray<readonly [path: string, label: string]>;

/** What all the parts of one mapping's declaration have in common. */
export interface DeclarationContext {
  /** Begins every message: the function and what declares the mapping. */
  readonly where: string;
  readonly scope: Scope;
  readonly labels: Labels;
  /** One sentence each. */
  readonly warnings: string[];
}

/**
 * The properties of a mapping, or an object within them, as CloudFormation would get them. Intrinsic functions are resolved
 * when a value is read, so that one which does not matter locally need not be known.
 */
export class Declaration {
  readonly #context: DeclarationContext;
  readonly #properties: Properties;
  readonly #path: string;

  constructor(context: DeclarationContext, properties: Properties, path = "") {
    this.#context = context;
    this.#properties = properties;
    this.#path = path;
  }

  /** As it is written. */
  raw(name: string): unknown {
    return own(this.#properties, name);
  }

  /** @throws MappingError SOK_INTRINSIC_UNRESOLVED */
  value(name: string): unknown {
    return this.#resolve(this.raw(name), this.label(name));
  }

  /** The value, or why it is not known locally. */
  valueIfKnown(name: string): { readonly value: unknown } | Unresolvable {
    return resolveIfKnown(this.raw(name), this.#context.scope);
  }

  /** A whole number, or a string of one, as CloudFormation takes it. `other` is allowed outside of the range. */
  integer(name: string, code: MappingErrorCode, min: number, max: number, other?: number): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const integer = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
    if (typeof integer === "number" && Number.isInteger(integer)) {
      if (integer === other || (integer >= min && integer <= max)) return integer;
    }
    const range = `a whole number from ${min} to ${max}${other === undefined ? "" : `, or ${other}`}`;
    throw this.fail(code, `${this.label(name)} is ${show(value)}; write ${range}`);
  }

  /** A boolean, or a string of one, as CloudFormation takes it. */
  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (value === true || value === "true") return true;
    if (value === false || value === "false") return false;
    throw this.fail("SOK_PROPERTY_INVALID", `${this.label(name)} is ${show(value)}; write true or false`);
  }

  /** An object within, of which a name that is not `known` is warned of. */
  nested(name: string, known: readonly string[]): Declaration | undefined {
    return this.#open(this.raw(name), this.#pathOf(name), known);
  }

  /** A list of objects within. */
  items(name: string, known: readonly string[]): readonly Declaration[] {
    const raw = this.raw(name);
    const list = intrinsicName(raw) === undefined ? raw : this.#resolve(raw, this.label(name));
    if (list === undefined) return [];
    if (!Array.isArray(list)) {
      throw this.fail("SOK_PROPERTY_INVALID", `${this.label(name)} is ${show(list)}; write a list`);
    }
    return list.flatMap((item, index) => this.#open(item, `${this.#pathOf(name)}[${index}]`, known) ?? []);
  }

  /** The items of a list that are known locally. */
  knownItems(name: string): readonly unknown[] {
    const raw = this.raw(name);
    const whole = Array.isArray(raw) ? { value: raw } : this.valueIfKnown(name);
    if (whole instanceof Unresolvable) return [];
    return asList(whole.value).flatMap((item) => {
      const known = resolveIfKnown(item, this.#context.scope);
      return known instanceof Unresolvable || known.value === undefined ? [] : [known.value];
    });
  }

  /** A property as a message names it. */
  label(name: string): string {
    return this.#labelOf(this.#pathOf(name));
  }

  warn(sentence: string): void {
    this.#context.warnings.push(`${this.#context.where}: ${sentence}`);
  }

  warnOfUnknownNames(known: readonly string[]): void {
    for (const name of Object.keys(this.#properties).filter((candidate) => !known.includes(candidate))) {
      const meant = nearestName(name, known);
      const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
      this.warn(`${this.label(name)} is no property that AWS knows${hint}`);
    }
  }

  fail(code: MappingErrorCode, message: string, options?: ErrorOptions): MappingError {
    return new MappingError(code, `${this.#context.where}: ${message}`, options);
  }

  #pathOf(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }

  #labelOf(path: string): string {
    for (const [labelled, label] of this.#context.labels) {
      const rest = path.slice(labelled.length);
      if (path.startsWith(labelled) && /^($|[.[])/.test(rest)) return label + rest;
    }
    return path;
  }

  #open(raw: unknown, path: string, known: readonly string[]): Declaration | undefined {
    const value = intrinsicName(raw) === undefined ? raw : this.#resolve(raw, this.#labelOf(path));
    if (value === undefined) return undefined;
    if (!isObject(value)) {
      throw this.fail("SOK_PROPERTY_INVALID", `${this.#labelOf(path)} is ${show(value)}; write an object`);
    }
    const declaration = new Declaration(this.#context, value, path);
    declaration.warnOfUnknownNames(known);
    return declaration;
  }

  #resolve(raw: unknown, label: string): unknown {
    const resolved = resolveIfKnown(raw, this.#context.scope);
    if (!(resolved instanceof Unresolvable)) return resolved.value;
    const remedy =
      resolved.reference === undefined
        ? "write the value itself, or a variable of the framework"
        : `say what it is locally: ${settingPath(`resources.${resolved.reference}`)}: <ARN or name>`;
    throw this.fail("SOK_INTRINSIC_UNRESOLVED", `${label}: ${resolved.message}; ${remedy}`, { cause: resolved });
  }
}
