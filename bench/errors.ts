export type BenchErrorCode =
  | "USAGE"
  /** Something that has to be installed first. */
  | "MISSING"
  | "START_FAILED"
  | "CONTESTANT_FAILED"
  /** A contestant that makes no progress any more. */
  | "STALLED"
  | "INTERRUPTED";

/** A failure of the benchmark. The message says what was wrong and what to do next. */
export class BenchError extends Error {
  readonly code: BenchErrorCode;

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BenchError";
    this.code = code;
  }
}
