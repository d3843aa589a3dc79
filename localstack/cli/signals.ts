import { StackError } from "../stack/errors.ts";

/** Ctrl-C under npm comes twice: the terminal sends it to everybody, and npm passes its own on. */
const sameSignalMs = 1_000;

/**
 * Aborts at the first signal, so that what runs can end in order. A second one ends the process at once; `tripline down`
 * then ends what is left.
 */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  let firstMs = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) {
        if (Date.now() - firstMs < sameSignalMs) return;
        process.stderr.write("\nNot in order: 'npx tripline down' ends what is left.\n");
        process.exit(130);
      }
      firstMs = Date.now();
      controller.abort();
    });
  }
  return controller.signal;
}

/** @throws {StackError} INTERRUPTED once the signal has come */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new StackError("INTERRUPTED", "Interrupted before everything ran.");
}
