import { type ReportWindow, windowMinutes } from "../../shared/temperature/report.ts";

const windowMs = windowMinutes * 60_000;

/**
 * A schedule's time is cut to the second, and a local timer may fire a millisecond early: 12:09:59 then stands for 12:10:00,
 * and taking it at its word would report the window before twice and this one never.
 */
const scheduleToleranceMs = 1_000;

/**
 * The window to report.
 *
 * A scheduled invocation reports the last full ten minutes of the clock: late at 12:10:00.8 or retried at 12:12, it is
 * [12:00, 12:10), so that windows neither overlap nor leave gaps, and a window reported twice is stored once. Someone who
 * invokes the function by hand asks how warm it has been until now, and a window that ended nine minutes ago would not answer:
 * without a scheduled time the window is the ten minutes that end now. Its bounds are not on the clock's tens, so its row
 * never takes the place of a scheduled one, and a query can leave such rows out.
 */
export function reportWindow(scheduledAt: Date | undefined, now: Date): ReportWindow {
  return scheduledAt === undefined ? windowUntil(now.getTime()) : windowUntil(lastFullWindowEnd(scheduledAt));
}

function lastFullWindowEnd(scheduledAt: Date): number {
  return Math.floor((scheduledAt.getTime() + scheduleToleranceMs) / windowMs) * windowMs;
}

function windowUntil(endMs: number): ReportWindow {
  return { start: new Date(endMs - windowMs), end: new Date(endMs) };
}
