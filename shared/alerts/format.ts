import * as v from "valibot";
import { AlertReason, type StoredAlert } from "./alert.ts";

const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const agentWidth = "velocity".length;

/**
 * One line for a person:
 *
 *     profile   user 1234  4,812.50  ratio: 3.4 × mean of 50 (1,415.44)
 *     velocity  user 1234  4,812.50  score 90: 6 in 60 s +40, amount +50
 */
export function formatAlert(
  alert: Pick<StoredAlert, "agent" | "rule" | "userId" | "amountCents" | "reason" | "historical">,
): string {
  return [
    alert.agent.padEnd(agentWidth),
    `user ${alert.userId}`,
    formatCents(alert.amountCents),
    describeReason(alert),
    ...(alert.historical ? ["(historical)"] : []),
  ].join("  ");
}

/** Why: `ratio: 3.4 × mean of 50 (1,415.44)`, or the figures as they are, where the rule is somebody else's. */
export function describeReason({
  rule,
  amountCents,
  reason,
}: Pick<StoredAlert, "rule" | "amountCents" | "reason">): string {
  const parsed = v.safeParse(AlertReason, reason);
  return parsed.success ? formatReason(parsed.output, amountCents) : `${rule}: ${JSON.stringify(reason)}`;
}

function formatReason(reason: AlertReason, amountCents: number): string {
  switch (reason.rule) {
    case "ratio":
      return `ratio: ${timesOf(amountCents * reason.count, reason.sumCents)}mean of ${reason.count} (${formatCents(reason.meanCents)})`;
    case "sigma": {
      const above = timesOf(amountCents - reason.meanCents, reason.deviationCents);
      return `sigma: ${above}σ of ${reason.count} (${formatCents(reason.deviationCents)}) above their mean (${formatCents(reason.meanCents)})`;
    }
    case "velocity":
      return `score ${reason.score}: ${formatParts(reason)}`;
  }
}

/** "3.4 × "; nothing is a finite multiple of zero, which the mean or the deviation of equal amounts can be. */
function timesOf(amount: number, unit: number): string {
  return unit > 0 ? `${(amount / unit).toFixed(1)} × ` : "∞ × ";
}

function formatParts({ parts, windowCount, windowSeconds }: Extract<AlertReason, { rule: "velocity" }>): string {
  return [
    { label: `${windowCount} in ${windowSeconds} s`, points: parts.velocity },
    { label: "amount", points: parts.amount },
    { label: "AMEX", points: parts.amex },
  ]
    .filter(({ points }) => points > 0)
    .map(({ label, points }) => `${label} +${points}`)
    .join(", ");
}

function formatCents(cents: number): string {
  return money.format(cents / 100);
}
