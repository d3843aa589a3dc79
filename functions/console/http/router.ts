import * as v from "valibot";
import { ConsoleError } from "./errors.ts";
import type { HttpRequest } from "./event.ts";

/** What a route works with. */
export interface Call {
  /** The named parts of the path. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON; undefined for a GET. */
  readonly body: unknown;
  /** Who asks. */
  readonly actor: string;
}

/** Something that can be seen. */
export interface ViewRoute {
  readonly method: "GET";
  /** `/api/topics/:topic`; a part that begins with a colon is named. */
  readonly path: string;
  readonly view: (call: Call) => Promise<unknown>;
}

/** Something that can be done: it is noted, with who did it and how it went. */
export interface ActionRoute {
  readonly method: "POST";
  readonly path: string;
  /** What is noted: `connector.restart`. null: this call only says what it would do. */
  readonly action: (call: Call) => { readonly name: string; readonly target: string } | null;
  readonly act: (call: Call) => Promise<unknown>;
}

export type Route = ViewRoute | ActionRoute;

export interface Match {
  readonly route: Route;
  readonly path: Readonly<Record<string, string>>;
}

/** @throws {ConsoleError} NOT_FOUND or METHOD */
export function findRoute(routes: readonly Route[], { method, path }: Pick<HttpRequest, "method" | "path">): Match {
  const wanted = path.split("/");
  const found = routes.flatMap((route): Match[] => {
    const names = partsOf(route.path, wanted);
    return names === undefined ? [] : [{ route, path: names }];
  });
  if (found.length === 0) throw new ConsoleError("NOT_FOUND", `There is no ${path}.`);
  const match = found.find(({ route }) => route.method === method);
  if (match !== undefined) return match;
  throw new ConsoleError("METHOD", `${path} takes ${found.map(({ route }) => route.method).join(" and ")}.`);
}

function partsOf(pattern: string, wanted: readonly string[]): Record<string, string> | undefined {
  const parts = pattern.split("/");
  if (parts.length !== wanted.length) return undefined;
  const names: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const given = wanted[index] as string;
    if (part.startsWith(":")) names[part.slice(1)] = decoded(given);
    else if (part !== given) return undefined;
  }
  return names;
}

/** An HTTP API may have decoded it already, and then a % is a %. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** @throws {ConsoleError} INVALID, naming what is wrong */
export function parse<const Schema extends v.GenericSchema>(schema: Schema, value: unknown): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "body"}: ${issue.message}`);
  throw new ConsoleError("INVALID", problems.join("; "));
}

/** Of an action that says all in its address. */
export const NoBody = v.strictObject({});

/** A query's parameters; one that is empty counts as left out, and one that is given twice as its first. */
export function parseQuery<const Schema extends v.GenericSchema>(
  schema: Schema,
  query: URLSearchParams,
): v.InferOutput<Schema> {
  const names = [...new Set(query.keys())];
  const given = names.flatMap((name) => (query.get(name) === "" ? [] : [[name, query.get(name)]]));
  return parse(schema, Object.fromEntries(given));
}

/** A whole number in an address. */
export function wholeNumber(minimum = 0, maximum = Number.MAX_SAFE_INTEGER) {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.string(),
    v.regex(/^-?\d{1,16}$/, message),
    v.transform(Number),
    v.minValue(minimum, message),
    v.maxValue(maximum, message),
  );
}

const intMax = 2 ** 31 - 1;

/** A user in an address: whatever PostgreSQL's int holds. */
export const userId = wholeNumber(-intMax - 1, intMax);

/** A moment in an address: ISO 8601 with a zone. */
export const moment = v.pipe(
  v.string(),
  v.check(
    (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
    "must be a time, such as 2026-11-30T12:00:00Z",
  ),
  v.transform((text) => new Date(text)),
);
