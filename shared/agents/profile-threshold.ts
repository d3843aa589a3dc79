// Without anything of Node: the console's page draws what the profile agent judges by.

export interface ProfileConfig {
  /** `ratio`: more than `threshold` × the mean. `sigma`: more than the mean + `threshold` × the sample deviation. */
  readonly rule: "ratio" | "sigma";
  readonly ruleVersion: number;
  /** How many earlier amounts of a user count. */
  readonly historyMax: number;
  /** With fewer earlier amounts than this there is nothing to compare with. */
  readonly historyMin: number;
  /** Amounts up to this one are never suspicious. */
  readonly amountAboveCents: number;
  readonly threshold: number;
}

/** What is known of a user's earlier amounts. */
export interface Amounts {
  readonly count: number;
  readonly sumCents: number;
  /** In cents, oldest first. */
  values(): number[];
}

/**
 * The amount above which judgeAmount would find something, in cents and rounded: to be drawn, not to be judged by. undefined while too
 * little is known of the user.
 */
export function alertsAboveCents(config: ProfileConfig, history: Amounts): number | undefined {
  const { count, sumCents } = history;
  if (count < config.historyMin) return undefined;
  const mean = sumCents / count;
  const above =
    config.rule === "ratio" ? config.threshold * mean : mean + config.threshold * deviation(history.values(), mean);
  return Math.round(Math.max(config.amountAboveCents, above));
}

function deviation(amounts: readonly number[], mean: number): number {
  const squares = amounts.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return amounts.length < 2 ? 0 : Math.sqrt(squares / (amounts.length - 1));
}
