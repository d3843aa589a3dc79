export { formatBytes, formatDuration, formatWhole } from "../units.ts";

const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const formatCents = (cents: number) => money.format(cents / 100);

/** Times are shown in UTC, as logs, PostgreSQL and Kafka have them. */
export const formatTime = (iso: string) => iso.slice(11, 19);
export const formatDay = (iso: string) => iso.slice(0, 10);
export const formatMoment = (iso: string) => `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;

/** `datetime-local` has no zone: what is typed is UTC. */
export const utcOfInput = (text: string) => (text === "" ? "" : `${text}${text.length === 16 ? ":00" : ""}Z`);
export const inputOfUtc = (iso: string | undefined) => (iso === undefined ? "" : iso.slice(0, 19).replace("Z", ""));

/** JSON as one reads it, or the text as it is. */
export function formatValue(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

/**
 * Points for a chart: where two readings are further apart than `gapMs`, points without a value right behind the first and right before the
 * second, so that nobody sees a line where nothing was measured.
 */
export function withGaps(
  points: readonly { readonly atMs: number; readonly value: number }[],
  gapMs: number,
): { readonly atMs: number; readonly value: number | null }[] {
  return points.flatMap((point, index) => {
    const before = points[index - 1];
    const isGap = before !== undefined && point.atMs - before.atMs > gapMs;
    return isGap ? [...gapBetween(before.atMs, point.atMs), point] : [point];
  });
}

export function gapBetween(fromMs: number, toMs: number): { readonly atMs: number; readonly value: null }[] {
  return [fromMs + 1, toMs - 1].map((atMs) => ({ atMs, value: null }));
}
