import type { VelocityReason } from "../alerts/index.ts";
import type { Agent, Finding, Memory } from "./agent.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { VelocityConfig } from "./config.ts";
import type { NeededColumn, Transaction } from "./transaction.ts";

const microsPerSecond = 1_000_000;

/**
 * An event that comes this much later than a newer one of its user still finds its whole window; a later one is judged by
 * what is left of it.
 */
export const latenessSeconds = 60;

/** Event times that are remembered of one user; more within the window are counted as this many. */
export const eventsPerUserMax = 1_024;

/** A user who was quiet for this long, in event time of the partition, is forgotten. */
const quietSecondsMax = 3_600;
/** How often, in event time, the quiet ones are looked for. */
const sweepSeconds = 60;

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
    create: () => new VelocityMemory(config, scorer),
    decode: (reader) => VelocityMemory.decode(config, scorer, reader),
  };
}

/** The recent event times of one user, in the order in which they came. */
interface RecentEvents {
  newestMicros: number;
  micros: number[];
}

class VelocityMemory implements Memory {
  readonly #config: VelocityConfig;
  readonly #scorer: Scorer;
  readonly #users = new Map<number, RecentEvents>();
  #newestMicros = 0;
  #sweptMicros = 0;

  constructor(config: VelocityConfig, scorer: Scorer) {
    this.#config = config;
    this.#scorer = scorer;
  }

  judge({ userId, amountCents, cardType, createdAtMicros }: Transaction): Finding | undefined {
    // The agent says that it needs created_at, so a transaction without it never comes here.
    const micros = createdAtMicros as number;
    const windowCount = this.#remember(userId, micros);
    const { score, parts } = this.#scorer({ amountCents, cardType, windowCount });
    this.#forgetQuietUsers(micros);
    if (score <= this.#config.alertAbove) return undefined;
    const { windowSeconds } = this.#config;
    const reason: VelocityReason = { rule: "velocity", score, windowCount, windowSeconds, parts };
    return { rule: reason.rule, reason };
  }

  /** Adds an event, drops what no window of this user can reach any more, and counts the window that ends with it. */
  #remember(userId: number, micros: number): number {
    let recent = this.#users.get(userId);
    if (recent === undefined) {
      recent = { newestMicros: micros, micros: [] };
      this.#users.set(userId, recent);
    }
    recent.micros.push(micros);
    recent.newestMicros = Math.max(recent.newestMicros, micros);
    const windowStart = micros - this.#config.windowSeconds * microsPerSecond;
    let windowCount = 0;
    for (const each of recent.micros) if (each >= windowStart && each <= micros) windowCount++;
    const reach = recent.newestMicros - (this.#config.windowSeconds + latenessSeconds) * microsPerSecond;
    // Only the head is looked at for dropping: events come nearly in order, and one that stays too long counts nowhere.
    let first = 0;
    while ((recent.micros[first] ?? reach) < reach || recent.micros.length - first > eventsPerUserMax) first++;
    if (first > 0) recent.micros.splice(0, first);
    return windowCount;
  }

  #forgetQuietUsers(micros: number): void {
    this.#newestMicros = Math.max(this.#newestMicros, micros);
    if (this.#newestMicros - this.#sweptMicros < sweepSeconds * microsPerSecond) return;
    this.#sweptMicros = this.#newestMicros;
    const oldest = this.#newestMicros - quietSecondsMax * microsPerSecond;
    for (const [userId, recent] of this.#users) if (recent.newestMicros < oldest) this.#users.delete(userId);
  }

  encode(writer: ByteWriter): void {
    writer.unsigned(this.#newestMicros);
    writer.unsigned(this.#sweptMicros);
    writer.unsigned(this.#users.size);
    for (const [userId, { newestMicros, micros }] of this.#users) {
      writer.signed(userId);
      writer.unsigned(newestMicros);
      writer.unsigned(micros.length);
      for (const each of micros) writer.signed(newestMicros - each);
    }
  }

  static decode(config: VelocityConfig, scorer: Scorer, reader: ByteReader): VelocityMemory {
    const memory = new VelocityMemory(config, scorer);
    memory.#newestMicros = reader.unsigned();
    memory.#sweptMicros = reader.unsigned();
    for (let count = reader.unsigned(); count > 0; count--) {
      const userId = reader.signed();
      const newestMicros = reader.unsigned();
      const micros = Array.from({ length: reader.unsigned() }, () => newestMicros - reader.signed());
      memory.#users.set(userId, { newestMicros, micros });
    }
    return memory;
  }
}
