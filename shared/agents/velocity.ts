import type { VelocityReason } from "../alerts/index.ts";
import type { Agent, Finding, Memory } from "./agent.ts";
import type { ByteWriter } from "./bytes.ts";
import type { VelocityConfig } from "./config.ts";
import type { NeededColumn, Transaction } from "./transaction.ts";
import { UserHistories } from "./user-histories.ts";

const microsPerSecond = 1_000_000;

/**
 * An event that comes this much later than a newer one of its user still finds its whole window; a later one is judged by
 * what is left of it.
 */
export const latenessSeconds = 60;

/** Event times that are remembered of one user; more within the window are counted as this many. */
export const eventsPerUserMax = 1_024;

/** What is known of a transaction when it is scored. */
export interface Features {
  readonly amountCents: number;
  readonly cardType: string | null;
  /** The user's transactions in the window that ends with this one, this one included. */
  readonly windowCount: number;
}

/** How suspicious a transaction is, and which part added what. A model can take the place of the rules here. */
export type Scorer = (features: Features) => { score: number; parts: VelocityReason["parts"] };

/** The rules of the course: many transactions at once, a large amount, and, if wanted, the card. */
export function ruleScorer(config: VelocityConfig): Scorer {
  return ({ amountCents, cardType, windowCount }) => {
    const parts = {
      velocity: windowCount > config.countAbove ? config.countScore : 0,
      amount: amountCents > config.amountAboveCents ? config.amountScore : 0,
      amex: config.amex && cardType === "AMEX" ? config.amexScore : 0,
    };
    return { score: parts.velocity + parts.amount + parts.amex, parts };
  };
}

/** Alerts when a user spends fast and much, in event time. */
export function velocityAgent(config: VelocityConfig, scorer: Scorer = ruleScorer(config)): Agent {
  const needs: NeededColumn[] = config.amex ? ["created_at", "card_type"] : ["created_at"];
  return {
    name: "velocity",
    ruleVersion: config.ruleVersion,
    needs: new Set(needs),
    create: () => new VelocityMemory(config, scorer, new UserHistories()),
    decode: (reader) => new VelocityMemory(config, scorer, UserHistories.decode(reader, eventsPerUserMax)),
  };
}

/** The recent event times of each user, in the order in which they came, in microseconds since 1970. */
class VelocityMemory implements Memory {
  readonly #config: VelocityConfig;
  readonly #scorer: Scorer;
  readonly #times: UserHistories;

  constructor(config: VelocityConfig, scorer: Scorer, times: UserHistories) {
    this.#config = config;
    this.#scorer = scorer;
    this.#times = times;
  }

  judge({ userId, amountCents, cardType, createdAtMicros }: Transaction): Finding | undefined {
    const { windowSeconds, alertAbove } = this.#config;
    // The agent says that it needs created_at, so a transaction without it never comes here.
    const windowCount = countWindow(this.#times.of(userId), createdAtMicros as number, windowSeconds);
    const { score, parts } = this.#scorer({ amountCents, cardType, windowCount });
    if (score <= alertAbove) return undefined;
    const reason: VelocityReason = { rule: "velocity", score, windowCount, windowSeconds, parts };
    return { rule: reason.rule, reason };
  }

  get bytes(): number {
    return this.#times.bytes;
  }

  encode(writer: ByteWriter): void {
    this.#times.encode(writer);
  }
}

/**
 * Adds an event to its user's times, drops those that no event within the lateness can reach any more, and counts the window
 * that ends with it.
 */
function countWindow(times: number[], micros: number, windowSeconds: number): number {
  times.push(micros);
  if (times.length > eventsPerUserMax) times.shift();
  const windowStart = micros - windowSeconds * microsPerSecond;
  // Measured from this event, not from the newest: a clock that was far ahead once does not close every later window.
  const reach = windowStart - latenessSeconds * microsPerSecond;
  let [kept, count] = [0, 0];
  for (let i = 0; i < times.length; i++) {
    const each = times[i] as number;
    if (each < reach) continue;
    if (each >= windowStart && each <= micros) count++;
    if (kept !== i) times[kept] = each;
    kept++;
  }
  if (kept !== times.length) times.length = kept;
  return count;
}
