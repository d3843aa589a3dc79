import type { RatioReason, SigmaReason } from "../alerts/index.ts";
import type { Agent, Finding, Memory } from "./agent.ts";
import type { ByteWriter } from "./bytes.ts";
import type { Amounts, ProfileConfig } from "./profile-threshold.ts";
import type { Transaction } from "./transaction.ts";
import { UserAmounts } from "./user-amounts.ts";

/** The threshold is compared as a fraction of whole numbers: config.ts allows four decimals. */
const thresholdScale = 10_000;

/** Alerts when an amount is far above what this user usually spends. */
export function profileAgent(config: ProfileConfig): Agent {
  return {
    name: "profile",
    ruleVersion: config.ruleVersion,
    needs: new Set(),
    create: () => new ProfileMemory(config, new UserAmounts(config.historyMax)),
    // A configuration with a shorter history takes effect on what was stored, too.
    decode: (reader) => new ProfileMemory(config, UserAmounts.decode(reader, config.historyMax)),
  };
}

/** The last amounts of each user, in cents. */
class ProfileMemory implements Memory {
  readonly #config: ProfileConfig;
  readonly #amounts: UserAmounts;

  constructor(config: ProfileConfig, amounts: UserAmounts) {
    this.#config = config;
    this.#amounts = amounts;
  }

  judge({ userId, amountCents }: Transaction): Finding | undefined {
    const history = this.#amounts.select(userId);
    const finding = judgeAmount(this.#config, history, amountCents);
    history.push(amountCents);
    return finding;
  }

  get bytes(): number {
    return this.#amounts.bytes;
  }

  encode(writer: ByteWriter): void {
    this.#amounts.encode(writer);
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
export function judgeAmount(config: ProfileConfig, history: Amounts, amountCents: number): Finding | undefined {
  if (amountCents <= config.amountAboveCents || history.count < config.historyMin) return undefined;
  return config.rule === "ratio" ? judgeRatio(config, amountCents, history) : judgeSigma(config, amountCents, history);
}

function judgeRatio({ threshold }: ProfileConfig, amountCents: number, history: Amounts): Finding | undefined {
  const { count, sumCents } = history;
  const scaledThreshold = Math.round(threshold * thresholdScale);
  if (!isProductGreater(amountCents, count * thresholdScale, scaledThreshold, sumCents)) return undefined;
  const reason: RatioReason = { rule: "ratio", count, sumCents, meanCents: Math.round(sumCents / count), threshold };
  return { rule: reason.rule, reason };
}

/** a × b > c × d, exactly, of natural numbers. BigInts are slow, and few amounts need them. */
function isProductGreater(a: number, b: number, c: number, d: number): boolean {
  const [left, right] = [a * b, c * d];
  if (Number.isSafeInteger(left) && Number.isSafeInteger(right)) return left > right;
  return BigInt(a) * BigInt(b) > BigInt(c) * BigInt(d);
}

function judgeSigma({ threshold }: ProfileConfig, amountCents: number, history: Amounts): Finding | undefined {
  const { count, sumCents } = history;
  const [n, sum] = [BigInt(count), BigInt(sumCents)];
  const distance = n * BigInt(amountCents) - sum;
  if (distance <= 0n) return undefined;
  const spread = n * exactSumOfSquares(history.values()) - sum ** 2n;
  const scaledThreshold = BigInt(Math.round(threshold * thresholdScale));
  const left = distance ** 2n * (n - 1n) * BigInt(thresholdScale) ** 2n;
  if (left <= scaledThreshold ** 2n * n * spread) return undefined;
  const deviationCents = Math.round(Math.sqrt(Number(spread) / (count * (count - 1))));
  const meanCents = Math.round(sumCents / count);
  const reason: SigmaReason = { rule: "sigma", count, meanCents, deviationCents, threshold };
  return { rule: reason.rule, reason };
}

/** A sum of natural numbers that ends as a safe integer was one all along. */
function exactSumOfSquares(amounts: readonly number[]): bigint {
  const sum = amounts.reduce((total, each) => total + each * each, 0);
  if (Number.isSafeInteger(sum)) return BigInt(sum);
  return amounts.reduce((total, each) => total + BigInt(each) ** 2n, 0n);
}
