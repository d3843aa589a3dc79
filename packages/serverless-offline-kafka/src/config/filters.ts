import { checkPattern } from "../filter/filter.ts";
import { FILTERS_MAX_DEFAULT, FILTERS_MAX_QUOTA } from "../filter/pattern.ts";
import type { Declaration } from "./declaration.ts";
import type { Properties } from "./json.ts";
import { isObject, show } from "./json.ts";

/**
 * FilterCriteria, each pattern as an object. No filters: every record is invoked.
 *
 * @throws MappingError SOK_FILTER_INVALID
 */
export function readFilterPatterns(declaration: Declaration): readonly Properties[] {
  const criteria = declaration.nested("FilterCriteria", ["Filters"]);
  const filters = criteria?.items("Filters", ["Pattern"]) ?? [];
  if (filters.length > FILTERS_MAX_QUOTA) {
    throw declaration.fail(
      "SOK_FILTER_INVALID",
      `${declaration.label("FilterCriteria.Filters")} has ${filters.length} filters, ${FILTERS_MAX_QUOTA} is the most`,
    );
  }
  if (filters.length > FILTERS_MAX_DEFAULT) {
    declaration.warn(
      `AWS refuses more than ${FILTERS_MAX_DEFAULT} filters, here ${filters.length}, until the account's quota is raised`,
    );
  }
  return filters.map(readPattern);
}

function readPattern(filter: Declaration): Properties {
  const text = filter.value("Pattern");
  const fail = (reason: string, options?: ErrorOptions) =>
    filter.fail("SOK_FILTER_INVALID", `${filter.label("Pattern")}: ${reason}`, options);
  if (typeof text !== "string") throw fail(`${show(text)} is no text; write the pattern as a string of JSON`);
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch (cause) {
    throw fail(`${show(text)} is not JSON; write an object such as {"value": {"type": ["order"]}}`, { cause });
  }
  const reason = checkPattern(pattern);
  if (reason !== undefined) throw fail(reason);
  if (!isObject(pattern)) throw fail(`${show(text)} is no object`);
  return pattern;
}
