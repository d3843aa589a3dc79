import type { Properties } from "./json.ts";
import { asList, asObject, mergeDeep, own } from "./json.ts";

/** `resources` of serverless.yml. */
export interface Template {
  readonly parameters: Properties;
  readonly resources: Properties;
  readonly extensions: Properties;
}

/** `resources` is an object, or a list of objects that the framework merges. */
export function readTemplate(resources: unknown): Template {
  const merged = asObject(asList(resources).reduce<unknown>((whole, part) => mergeDeep(whole, asObject(part)), {}));
  return {
    parameters: asObject(own(merged, "Parameters")),
    resources: asObject(own(merged, "Resources")),
    extensions: asObject(own(merged, "extensions")),
  };
}
