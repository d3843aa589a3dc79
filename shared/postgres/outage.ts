import { setTimeout as sleep } from "node:timers/promises";
import { postgresLimits, silenceMs } from "./pool.ts";

/** How long to wait before asking again: a server that restarts is back within seconds. */
const askAgainMs = 500;

/** What one attempt may take: a connection, a statement that runs into its limit, and the silence after it. */
const attemptMs = postgresLimits.connectTimeoutMs + postgresLimits.statementTimeoutMs + silenceMs;

/** Of the system, when nobody listens or the network is cut. */
const systemCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/**
 * Of the server, where nothing is wrong with what it was asked: connections (08), transactions that got in each other's way
 * (40), a full disk, no memory or connections (53), a lock that was not to be had (55P03), a statement that took too long
 * (57014), a server that shuts down, crashes or starts (57P01 to 57P04), trouble with its files (58).
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const serverCodes = /^(08...|40...|53...|55P03|57014|57P0[1-4]|58...)$/;

/** Of pg itself, which has no codes for them. */
const clientMessages = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/;

/** Whether PostgreSQL is away or in trouble, as opposed to refusing what it was asked. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return systemCodes.has(code) || serverCodes.test(code) || clientMessages.test(error.message);
}

export interface OutageOptions {
  /** Milliseconds until the invocation is ended. */
  readonly remainingMs: () => number;
  /** Told of the first failure. */
  readonly onOutage: (error: unknown) => void;
}

/**
 * Runs `work`, which must be safe to repeat, until PostgreSQL answers or the invocation has no time for another attempt. A
 * mapping counts attempts, and gives a batch up when they are used up: an outage must not look like a record that fails.
 *
 * @throws whatever `work` throws in the end
 */
export async function outlastOutage<Result>(
  work: () => Promise<Result>,
  { remainingMs, onOutage }: OutageOptions,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isOutage(error) || remainingMs() < askAgainMs + attemptMs) throw error;
      if (attempt === 1) onOutage(error);
      await sleep(askAgainMs);
    }
  }
}
