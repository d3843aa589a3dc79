export { percentile } from "../localstack/run/percentiles.ts";

/** The middle of the values, the mean of the two in the middle where their number is even; NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below, above] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return below === undefined || above === undefined ? Number.NaN : (below + above) / 2;
}

/** How far a series of counts has come, as it was looked at from time to time. */
export interface Look {
  readonly atMs: number;
  readonly count: number;
}

/**
 * Records a second from the first look at which at least half of them were done to the end: without whatever a contestant
 * needs to get up to speed.
 */
export function secondHalfPerSecond(looks: readonly Look[], total: number): number {
  const [half, end] = [looks.find(({ count }) => count >= total / 2), looks.find(({ count }) => count >= total)];
  if (half === undefined || end === undefined || end.atMs === half.atMs) return Number.NaN;
  return ((end.count - half.count) * 1000) / (end.atMs - half.atMs);
}

/** One contestant's figure over another's, round by round. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.flatMap((our, round) => {
    const their = theirs[round];
    return their === undefined ? [] : [our / their];
  });
}

/** As many digits as are worth reading. */
export function rounded(value: number, digits = 3): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}
