import type { MappingErrorCode } from "../errors.ts";
import { MappingError } from "../errors.ts";

/** An error of a request, with the status of HTTP that says so. */
export class AdminError extends MappingError {
  readonly status: number;

  constructor(status: number, code: MappingErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.name = "AdminError";
    this.status = status;
  }
}
