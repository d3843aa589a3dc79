/** A JSON or YAML object of which nothing is known yet. */
export type Properties = Readonly<Record<string, unknown>>;

/** A message shows at most this much of a value. */
const SHOWN_CHARACTERS_MAX = 80;

export function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object that a value is, or an empty one. */
export function asObject(value: unknown): Properties {
  return isObject(value) ? value : {};
}

export function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Only what a file says: the `constructor` of an object is not in it. */
export function own(object: Properties, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A value as a message shows it. */
export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= SHOWN_CHARACTERS_MAX ? text : `${text.slice(0, SHOWN_CHARACTERS_MAX)}…`;
}

/** As osls merges (merge-plain-objects.js): objects by name, lists by position, and else the source wins. */
export function mergeDeep(target: unknown, source: unknown): unknown {
  if (source === undefined) return target;
  if (Array.isArray(target) && Array.isArray(source)) {
    return Array.from({ length: Math.max(target.length, source.length) }, (_, index) =>
      mergeDeep(target[index], source[index]),
    );
  }
  if (!isObject(target) || !isObject(source)) return source;
  const names = new Set([...Object.keys(target), ...Object.keys(source)]);
  return Object.fromEntries([...names].map((name) => [name, mergeDeep(own(target, name), own(source, name))]));
}

/** As osls strips a template (strip-null-props-from-template-resources.js): a property of null is no property. */
export function withoutNulls(object: Properties): Properties {
  const kept = Object.entries(object).filter(([, value]) => value !== null);
  return Object.fromEntries(kept.map(([name, value]) => [name, stripped(value)]));
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped);
  return isObject(value) ? withoutNulls(value) : value;
}
