import { useState } from "preact/hooks";
import type { AlertView, CaseChange } from "../../api.ts";
import { post } from "../client.ts";
import { formatCents, formatDay, formatDuration, formatTime } from "../format.ts";
import { Empty, ErrorNote, Table, useDeed } from "../ui.tsx";

const columns = [
  "Time (UTC)",
  "Agent",
  "User",
  { title: "Amount", isNumber: true as const },
  "Why",
  "Card",
  { title: "Delay", isNumber: true as const },
  "Case",
];

export const statusWords = { open: "open", acknowledged: "acknowledged", false_positive: "false positive" } as const;

export interface AlertTableProps {
  readonly alerts: readonly AlertView[];
  /** Offers to acknowledge, where the rows stay in their places: a button that moves away under the pointer acts on another alert. */
  readonly changed?: () => void;
  /** Of one user: who it is need not be said in each line. */
  readonly ofUser?: boolean;
}

export function AlertTable({ alerts, changed, ofUser = false }: AlertTableProps) {
  if (alerts.length === 0) {
    return (
      <Empty title="No alerts">
        <p>Nothing that was judged so far was suspicious, or nothing was judged.</p>
      </Empty>
    );
  }
  return (
    <Table caption="Alerts, newest first" columns={ofUser ? columns.filter((column) => column !== "User") : columns}>
      {alerts.map((alert) => (
        <tr key={alert.alertId} data-alert={alert.alertId}>
          <td>
            <a href={`/alerts/${encodeURIComponent(alert.alertId)}`} title={formatDay(alert.createdAt)}>
              <time dateTime={alert.createdAt}>{formatTime(alert.createdAt)}</time>
            </a>
          </td>
          <td>{alert.agent}</td>
          {!ofUser && (
            <td>
              <a href={`/users/${alert.userId}`}>{alert.userId}</a>
            </td>
          )}
          <td class="number">{formatCents(alert.amountCents)}</td>
          <td class="why">{alert.why}</td>
          <td class="text">{alert.transaction?.cardType ?? "–"}</td>
          <td class="number">{alert.historical ? "historical" : formatDuration(alert.delayMs)}</td>
          <td class="case">
            {alert.case === null && changed !== undefined ? (
              <QuickCase alert={alert} changed={changed} />
            ) : (
              statusWords[alert.case?.status ?? "open"]
            )}
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The common word on an alert, without a dialog: it can be taken back. */
function QuickCase({ alert, changed }: { alert: AlertView; changed: () => void }) {
  // An alert that the live page has left behind is not asked for again.
  const [isDone, setDone] = useState(false);
  const { error, isRunning, run } = useDeed(async () => {
    const change: CaseChange = { status: "acknowledged", seen: null };
    await post(`/api/alerts/${encodeURIComponent(alert.alertId)}/case`, change);
    setDone(true);
    changed();
  });
  if (isDone) return <>{statusWords.acknowledged}</>;
  return (
    <>
      <button
        type="button"
        class="small"
        disabled={isRunning}
        onClick={run}
        aria-label={`Acknowledge the alert of user ${alert.userId} at ${formatTime(alert.createdAt)}`}
      >
        Acknowledge
      </button>
      {error !== undefined && <ErrorNote error={error} />}
    </>
  );
}
