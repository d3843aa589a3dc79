export type StackErrorCode =
  | "JAVA_MISSING"
  | "JAVA_TOO_OLD"
  | "JARS_DOWNLOAD"
  | "JARS_CHECKSUM"
  | "POSTGRES_BINARIES"
  | "POSTGRES_INIT"
  | "PORT_IN_USE"
  | "NOT_RUNNING"
  | "BUSY"
  | "RUNS_OTHERWISE"
  | "START_FAILED"
  | "CONTAINERS"
  | "DECLARATION"
  | "AUDIT_IMPOSSIBLE"
  | "CREDENTIALS"
  | "INTERRUPTED"
  | "USAGE";

/** A failure of the local stack. The message says what was wrong and what to do next. */
export class StackError extends Error {
  readonly code: StackErrorCode;

  constructor(code: StackErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StackError";
    this.code = code;
  }
}

/** The text of anything that was thrown. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
