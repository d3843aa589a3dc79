import type { AlertView } from "../api.ts";

const columns: readonly (readonly [title: string, value: (alert: AlertView) => string | number | null | undefined])[] =
  [
    ["alert_id", ({ alertId }) => alertId],
    ["created_at", ({ createdAt }) => createdAt],
    ["committed_at", ({ committedAt }) => committedAt],
    ["agent", ({ agent }) => agent],
    ["rule", ({ rule }) => rule],
    ["rule_version", ({ ruleVersion }) => ruleVersion],
    ["user_id", ({ userId }) => userId],
    ["transaction_id", ({ transactionId }) => transactionId],
    ["amount", ({ amountCents }) => (amountCents / 100).toFixed(2)],
    ["card_type", ({ transaction }) => transaction?.cardType],
    ["merchant_id", ({ transaction }) => transaction?.merchantId],
    ["why", ({ why }) => why],
    ["historical", ({ historical }) => String(historical)],
    ["topic", ({ topic }) => topic],
    ["partition", ({ partition }) => partition],
    ["offset", ({ kafkaOffset }) => kafkaOffset],
    ["status", (alert) => alert.case?.status ?? "open"],
    ["note", (alert) => alert.case?.note],
    ["actor", (alert) => alert.case?.actor],
  ];

export const csvTitles = lineOf(columns.map(([title]) => title));

/** Lines of RFC 4180. */
export function csvOf(alerts: readonly AlertView[]): string {
  return alerts.map((alert) => lineOf(columns.map(([, value]) => value(alert) ?? ""))).join("");
}

function lineOf(cells: readonly (string | number)[]): string {
  return `${cells.map(cellOf).join(",")}\r\n`;
}

/** What a spreadsheet would take for a formula is made a text: a merchant or a card may be called `=cmd()`. Numbers are left alone. */
function cellOf(value: string | number): string {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) && !/^-?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
