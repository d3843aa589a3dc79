export type PostgresErrorCode =
  /** A statement inside the transaction failed and its error was swallowed, so that PostgreSQL refused the commit. */
  | "TRANSACTION_ABORTED"
  /** A bigint that a JavaScript number cannot hold exactly. */
  | "INTEGER_TOO_LARGE"
  /** A timestamp that a Date cannot hold, such as infinity. */
  | "TIMESTAMP_OUT_OF_RANGE"
  /** A migration could not be applied; those before it are. */
  | "MIGRATION_FAILED";

export class PostgresError extends Error {
  readonly code: PostgresErrorCode;

  constructor(code: PostgresErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "PostgresError";
    this.code = code;
  }
}

/** Whether the server turned down who signs in. https://www.postgresql.org/docs/current/errcodes-appendix.html: class 28 */
export function isSignInRefused(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith("28");
}
