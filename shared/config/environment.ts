import * as v from "valibot";

/** A setting that is missing or wrong. Thrown while a function starts, so that it fails before its first event. */
export class ConfigError extends Error {
  readonly code = "CONFIG";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConfigError";
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads settings out of environment variables. An empty variable counts as unset: serverless.yml has no other way to
 * say "not set" (`${env:ALERTS_TOPIC_ARN, ''}`).
 *
 * @throws {ConfigError} naming every variable that is wrong, without its value, which may be a secret
 */
export function readEnvironment<const Schema extends v.GenericSchema>(
  schema: Schema,
  environment: Environment,
): v.InferOutput<Schema> {
  const set = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = v.safeParse(schema, set);
  if (parsed.success) return parsed.output;
  throw new ConfigError(
    `These environment variables need attention (see the function in serverless.yml): ${parsed.issues.map(describe).join("; ")}.`,
  );
}

function describe(issue: v.BaseIssue<unknown>): string {
  const name = v.getDotPath(issue) ?? "environment";
  return issue.input === undefined ? `${name} is not set` : `${name} ${issue.message}`;
}

/** A whole number between two bounds, both included. */
export function integerSetting(minimum: number, maximum: number) {
  const message = `must be a whole number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.string(),
    v.regex(/^\d+$/, message),
    v.transform(Number),
    v.minValue(minimum, message),
    v.maxValue(maximum, message),
  );
}

/** `true` or `false`, spelt so: `FORWARD_HISTORICAL=no` must not quietly mean yes. */
export const booleanSetting = v.pipe(
  v.picklist(["true", "false"], "must be true or false"),
  v.transform((text) => text === "true"),
);
