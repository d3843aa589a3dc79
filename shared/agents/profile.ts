import type { RatioReason, SigmaReason } from "../alerts/index.ts";
import type { Agent, Finding, Memory } from "./agent.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { ProfileConfig } from "./config.ts";
import type { Transaction } from "./transaction.ts";

/** Users that one partition remembers; beyond it, whoever was quiet the longest is forgotten and starts anew. */
export const usersMax = 250_000;

/** The threshold is compared as a fraction of whole numbers: config.ts allows four decimals. */
const thresholdScale = 10_000;

/** Alerts when an amount is far above what this user usually spends. */
export function profileAgent(config: ProfileConfig): Agent {
  return {
    name: "profile",
    ruleVersion: config.ruleVersion,
    needs: new Set(),
    create: () => new ProfileMemory(config),
    decode: (reader) => ProfileMemory.decode(config, reader),
  };
}

/** The last amounts of each user, the oldest first, in cents. Users are in the order of their last transaction. */
class ProfileMemory implements Memory {
  readonly #config: ProfileConfig;
  readonly #users = new Map<number, number[]>();

  constructor(config: ProfileConfig) {
    this.#config = config;
  }

  judge({ userId, amountCents }: Transaction): Finding | undefined {
    const history = this.#users.get(userId) ?? [];
    const finding = judgeAmount(this.#config, history, amountCents);
    this.#remember(userId, history, amountCents);
    return finding;
  }

  #remember(userId: number, history: number[], amountCents: number): void {
    history.push(amountCents);
    if (history.length > this.#config.historyMax) history.shift();
    this.#users.delete(userId);
    this.#users.set(userId, history);
    if (this.#users.size > usersMax) {
      for (const quietest of this.#users.keys()) {
        this.#users.delete(quietest);
        break;
      }
    }
  }

  encode(writer: ByteWriter): void {
    writer.unsigned(this.#users.size);
    for (const [userId, history] of this.#users) {
      writer.signed(userId);
      writer.unsigned(history.length);
      for (const amountCents of history) writer.unsigned(amountCents);
    }
  }

  static decode(config: ProfileConfig, reader: ByteReader): ProfileMemory {
    const memory = new ProfileMemory(config);
    for (let count = reader.unsigned(); count > 0; count--) {
      const userId = reader.signed();
      const history = Array.from({ length: reader.unsigned() }, () => reader.unsigned());
      // A configuration with a shorter history takes effect on what was stored, too.
      memory.#users.set(userId, history.slice(-config.historyMax));
    }
    return memory;
  }
}

/**
 * Judges an amount against a user's earlier ones, both in cents and exactly: neither the mean nor the deviation is ever
 * rounded before it is compared.
 *
 * ratio: a > k × mean ⇔ a × n > k × sum.
 * sigma: a > mean + k × s with s² = (n × Σx² − (Σx)²) / (n (n − 1)). With d = n × a − Σx that is
 * d > 0 and d² (n − 1) > k² n (n × Σx² − (Σx)²).
 */
export function judgeAmount(
  config: ProfileConfig,
  history: readonly number[],
  amountCents: number,
): Finding | undefined {
  const count = history.length;
  if (count < config.historyMin || amountCents <= config.amountAboveCents) return undefined;
  const sumCents = history.reduce((sum, each) => sum + each, 0);
  return config.rule === "ratio"
    ? judgeRatio(config, amountCents, count, sumCents)
    : judgeSigma(config, amountCents, count, sumCents, history);
}

function judgeRatio(
  { threshold }: ProfileConfig,
  amountCents: number,
  count: number,
  sumCents: number,
): Finding | undefined {
  const scaledThreshold = BigInt(Math.round(threshold * thresholdScale));
  if (BigInt(amountCents) * BigInt(count * thresholdScale) <= scaledThreshold * BigInt(sumCents)) return undefined;
  const reason: RatioReason = { rule: "ratio", count, sumCents, meanCents: Math.round(sumCents / count), threshold };
  return { rule: reason.rule, reason };
}

function judgeSigma(
  { threshold }: ProfileConfig,
  amountCents: number,
  count: number,
  sumCents: number,
  history: readonly number[],
): Finding | undefined {
  const [n, sum] = [BigInt(count), BigInt(sumCents)];
  const sumOfSquares = history.reduce((total, each) => total + BigInt(each) ** 2n, 0n);
  const distance = n * BigInt(amountCents) - sum;
  const spread = n * sumOfSquares - sum ** 2n;
  const scaledThreshold = BigInt(Math.round(threshold * thresholdScale));
  const left = distance ** 2n * (n - 1n) * BigInt(thresholdScale) ** 2n;
  if (distance <= 0n || left <= scaledThreshold ** 2n * n * spread) return undefined;
  const deviationCents = Math.round(Math.sqrt(Number(spread) / (count * (count - 1))));
  const meanCents = Math.round(sumCents / count);
  const reason: SigmaReason = { rule: "sigma", count, meanCents, deviationCents, threshold };
  return { rule: reason.rule, reason };
}
