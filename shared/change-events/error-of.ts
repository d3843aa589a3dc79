import { ChangeEventError } from "./errors.ts";

/** For tests: the ChangeEventError an action throws. Fails when it throws nothing or something else. */
export function errorOf(action: () => unknown): ChangeEventError {
  try {
    action();
  } catch (error) {
    if (error instanceof ChangeEventError) return error;
    throw error;
  }
  throw new Error("expected a ChangeEventError, but nothing was thrown");
}
