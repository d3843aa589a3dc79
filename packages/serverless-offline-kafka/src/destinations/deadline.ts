/**
 * Does work that has to end within a time; `signal` tells it when nobody waits any more.
 *
 * @throws an error that names the time, or what the work rejects with.
 */
export async function withDeadline<Result>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const abort = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = new Error(`no answer within ${limitMs / 1_000} s`);
    late.reject(error);
    abort.abort(error);
  }, limitMs);
  try {
    // Not the signal alone: the SDK looks at it only once it has credentials.
    return await Promise.race([work(abort.signal), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
