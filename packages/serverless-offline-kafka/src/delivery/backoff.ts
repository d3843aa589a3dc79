/** How long to wait between two attempts. All in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** AWS says "exponential backoff" for a failed batch and no numbers [with-kafka-esm, kafka-retry-configurations]. */
export const INVOKE_BACKOFF: Backoff = { firstMs: 500, maxMs: 30_000 };

/** A destination that does not answer is asked for as long as it takes; a person who mends it should not wait long. */
export const DESTINATION_BACKOFF: Backoff = { firstMs: 500, maxMs: 10_000 };

/** A schema registry holds up its partition while it is away. */
export const REGISTRY_BACKOFF: Backoff = { firstMs: 500, maxMs: 10_000 };

/** A commit has only to outlast a broker's restart or a rebalance, so it may ask more often than a handler may. */
export const COMMIT_BACKOFF: Backoff = { firstMs: 100, maxMs: 2_000 };

/** A consumer that crashed is made again; local brokers are back within seconds. */
export const CONNECT_BACKOFF: Backoff = { firstMs: 500, maxMs: 5_000 };

/**
 * Exponential backoff with equal jitter: between half and all of `firstMs * 2^(attempt - 1)`, at most `maxMs`. The
 * fixed half keeps a failing handler from being hammered when the dice fall low.
 *
 * @param attempt how many attempts have failed, from 1
 * @param random a number in [0, 1)
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const ceilingMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(ceilingMs / 2 + (ceilingMs / 2) * random);
}
