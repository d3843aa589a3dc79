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
    throw error instanceof ConsoleError ? error : unavailable(what, error);
  });
}

/** What MSK Connect and Lambda say while something else is being done to what is to be changed. */
const conflicts = ["ConflictException", "ResourceConflictException", "ResourceInUseException"];

/** A change that AWS does not take now, because it is at another one. */
export function orConflict<Result>(what: string, work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown) => {
    if (!(error instanceof Error) || !conflicts.includes(error.name)) throw error;
    throw new ConsoleError("CONFLICT", `Something else is being done to ${what}: try again in a minute.`, {
      cause: error,
    });
  });
}

/** What a server that does not answer makes of whatever needed it. */
export function unavailable(what: string, cause: unknown): ConsoleError {
  const reason = cause instanceof Error && cause.message !== "" ? cause.message : String(cause);
  return new ConsoleError("UNAVAILABLE", `${what}: ${reason}`, { cause });
}
