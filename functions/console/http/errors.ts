import type { ConsoleErrorCode } from "../api.ts";

const statuses: Readonly<Record<ConsoleErrorCode, number>> = {
  INVALID: 400,
  FORBIDDEN: 403,
  READ_ONLY: 403,
  NOT_FOUND: 404,
  METHOD: 405,
  CONFLICT: 409,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

/** A refusal, in words for whoever looks at the page. */
export class ConsoleError extends Error {
  readonly code: ConsoleErrorCode;

  constructor(code: ConsoleErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ConsoleError";
    this.code = code;
  }

  get status(): number {
    return statuses[this.code];
  }
}

/** What is asked of a server, and refused with its name where it does not answer. */
export function orUnavailable<Result>(what: string, work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    throw unavailable(what, error);
  });
}

/** What a server that does not answer makes of whatever needed it. */
export function unavailable(what: string, cause: unknown): ConsoleError {
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  return new ConsoleError("UNAVAILABLE", `${what}: ${reason}`, { cause });
}
