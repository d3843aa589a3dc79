import * as v from "valibot";

/** The event is not of the kind this function is subscribed to. Retrying cannot mend it: the subscription is wrong. */
export class LambdaInputError extends Error {
  readonly code = "LAMBDA_INPUT";

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "LambdaInputError";
  }
}

/** Parses an event at the boundary; everything behind it trusts the type. */
export function parseInput<const Schema extends v.GenericSchema>(
  schema: Schema,
  event: unknown,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, event);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "event"}: ${issue.message}`);
  throw new LambdaInputError(
    `The event is not what this function reads; check its events in serverless.yml. ${problems.join("; ")}`,
  );
}
