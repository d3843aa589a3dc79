import type { StoredAlert } from "../../shared/alerts/index.ts";
import type { Pool } from "../../shared/postgres/index.ts";
import { notYetForwarded, recordForwarded } from "./forwarded.ts";

/** A downstream system. */
export interface Channel {
  /** Its name in fraud.forwarded. */
  readonly name: string;
  /** Sends every alert and says what became of each. What the other side refuses is an answer, not an exception. */
  deliver(alerts: readonly StoredAlert[]): Promise<Delivery>;
}

export interface Delivery {
  readonly delivered: readonly StoredAlert[];
  readonly failures: readonly DeliveryFailure[];
}

export interface DeliveryFailure {
  readonly alert: StoredAlert;
  readonly error: unknown;
}

export interface ForwardResult {
  readonly channel: string;
  readonly forwarded: number;
  readonly failures: readonly DeliveryFailure[];
}

/**
 * How many alerts are sent before they are recorded as sent: the most that a crash in between makes a channel receive twice.
 * Two full requests to SNS, three rounds to the webhook: with either side silent that is 30 and 15 seconds, then the batch fails.
 */
export const deliveryChunk = 20;

/** Some channel did not take some alert. Thrown so that the mapping brings the batch again; only what is missing is then sent. */
export class ForwardError extends Error {
  readonly code = "ALERTS_NOT_FORWARDED";

  constructor(results: readonly ForwardResult[]) {
    const failed = results.filter(({ failures }) => failures.length > 0);
    super(`${failed.map(describe).join("; ")}. The batch is retried, and only what is missing is sent again.`, {
      cause: failed[0]?.failures[0]?.error,
    });
    this.name = "ForwardError";
  }
}

function describe({ channel, failures: [first, ...others] }: ForwardResult): string {
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${channel} did not take alert ${first?.alert.alertId}${more}: ${reasonOf(first?.error)}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Sends a channel what it has not taken yet and records what it took, chunk by chunk, up to the first chunk with a failure: a
 * system that is down is not asked 10,000 times.
 *
 * To the outside this is at least once. Between a chunk's delivery and its record lies the one window in which a crash makes the
 * chunk go out again; alertId, which stays the same, lets the receiver drop the repeat.
 */
export async function forwardThrough(
  channel: Channel,
  alerts: readonly StoredAlert[],
  pool: Pool,
): Promise<ForwardResult> {
  const pending = await notYetForwarded(pool, channel.name, alerts);
  let forwarded = 0;
  for (let start = 0; start < pending.length; start += deliveryChunk) {
    const { delivered, failures } = await channel.deliver(pending.slice(start, start + deliveryChunk));
    await recordForwarded(pool, channel.name, delivered);
    forwarded += delivered.length;
    if (failures.length > 0) return { channel: channel.name, forwarded, failures };
  }
  return { channel: channel.name, forwarded, failures: [] };
}
