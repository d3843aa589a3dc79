import { useState } from "preact/hooks";
import type { AlertDetail, CaseChange, CaseStatus, CaseView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { post } from "../client.ts";
import { formatCents, formatDuration, formatMoment, formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { Answer, Breakable, ErrorNote, Facts, Heading, useDeed } from "../ui.tsx";
import { statusWords } from "./alert-table.tsx";

export function Alert({ alertId, readOnly }: ViewProps & { alertId: string }) {
  const live = useLive<AlertDetail>(`/api/alerts/${encodeURIComponent(alertId)}`, 5_000);
  return (
    <>
      <Heading title="Alert">
        <p class="quiet mono">{alertId}</p>
      </Heading>
      <Answer live={live} lines={10}>
        {(alert) => (
          <>
            <p class="lead">
              {formatCents(alert.amountCents)} of <a href={`/users/${alert.userId}`}>user {alert.userId}</a>:{" "}
              {alert.why}
            </p>
            <div class="columns">
              <section>
                <h2>Why</h2>
                <Facts
                  facts={[
                    ["agent", alert.agent],
                    ["rule", `${alert.rule}, version ${alert.ruleVersion}`],
                    ...reasonFacts(alert.reason),
                  ]}
                />
              </section>
              <section>
                <h2>Transaction</h2>
                <Facts
                  facts={[
                    ["id", alert.transactionId],
                    ["user", <a href={`/users/${alert.userId}`}>{alert.userId}</a>],
                    ["amount", formatCents(alert.amountCents)],
                    ["card", alert.transaction === null ? "the row is gone" : (alert.transaction.cardType ?? "–")],
                    ["merchant", alert.transaction?.merchantId ?? "–"],
                    ["committed", `${formatMoment(alert.committedAt)} UTC`],
                  ]}
                />
              </section>
              <section>
                <h2>On its way</h2>
                <Facts
                  facts={[
                    [
                      "topic",
                      <a href={`/topics/${encodeURIComponent(alert.topic)}`}>
                        <Breakable name={alert.topic} />
                      </a>,
                    ],
                    [
                      "record",
                      <a href={recordAddress(alert)}>
                        partition {alert.partition}, offset {formatWhole(alert.kafkaOffset)}
                      </a>,
                    ],
                    ["alert stored", `${formatMoment(alert.createdAt)} UTC`],
                    ["delay", alert.historical ? "read by a snapshot" : formatDuration(alert.delayMs)],
                    ["forwarded", forwardedText(alert)],
                  ]}
                />
              </section>
            </div>
            <Case alert={alert} readOnly={readOnly} changed={live.refresh} />
          </>
        )}
      </Answer>
    </>
  );
}

const recordAddress = ({ topic, partition, kafkaOffset }: AlertDetail) =>
  `/topics/${encodeURIComponent(topic)}?partition=${partition}&from=${kafkaOffset}`;

function forwardedText({ forwarded, historical }: AlertDetail): string {
  if (forwarded.length > 0) {
    return forwarded.map(({ channel, forwardedAt }) => `${channel} ${formatMoment(forwardedAt)}`).join(", ");
  }
  return historical ? "no: historical alerts are not" : "not yet";
}

/** The figures behind an alert, whatever rule it is: an agent of somebody else has its own. */
function reasonFacts(reason: unknown): [string, string][] {
  if (typeof reason !== "object" || reason === null) return [];
  return Object.entries(reason)
    .filter(([name]) => name !== "rule")
    .map(([name, value]) => [
      name.replace(/Cents$/, "").replaceAll(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`),
      typeof value === "number" && name.endsWith("Cents")
        ? formatCents(value)
        : typeof value === "object"
          ? JSON.stringify(value)
          : String(value),
    ]);
}

function Case({ alert, readOnly, changed }: { alert: AlertDetail; readOnly: boolean; changed: () => void }) {
  const [status, setStatus] = useState<CaseStatus>(alert.case?.status ?? "acknowledged");
  const [note, setNote] = useState(alert.case?.note ?? "");
  // What was seen when this was filled in: what others say meanwhile is not to be written over unseen.
  const [seen, setSeen] = useState(alert.case?.changedAt ?? null);
  const { error, isRunning, run } = useDeed(async () => {
    const change: CaseChange = { status, note: status === "open" ? "" : note, seen };
    const now = await post<CaseView | null>(`/api/alerts/${encodeURIComponent(alert.alertId)}/case`, change);
    setSeen(now?.changedAt ?? null);
    changed();
  });
  const current = alert.case?.changedAt ?? null;
  return (
    <section>
      <h2>Case</h2>
      <p role="status">
        {alert.case === null ? (
          "Open: nobody has said anything of it."
        ) : (
          <>
            {statusWords[alert.case.status]} by <span class="mono">{alert.case.actor}</span>,{" "}
            {formatMoment(alert.case.changedAt)} UTC
            {alert.case.note !== "" && <q class="text">{alert.case.note}</q>}
          </>
        )}
      </p>
      {!readOnly && (
        <form
          class="case-form"
          onSubmit={(event) => {
            event.preventDefault();
            run();
          }}
        >
          <fieldset>
            <legend class="unseen">Case</legend>
            {(["acknowledged", "false_positive", "open"] as const).map((each) => (
              <label key={each} class="choice">
                <input type="radio" name="status" checked={status === each} onChange={() => setStatus(each)} />
                {statusWords[each]}
              </label>
            ))}
          </fieldset>
          {status !== "open" && (
            <label>
              Note
              <textarea
                rows={2}
                maxLength={2_000}
                value={note}
                onInput={(event) => setNote(event.currentTarget.value)}
              />
            </label>
          )}
          {error !== undefined && <ErrorNote error={error} />}
          <span class="buttons">
            <button type="submit" class="primary" disabled={isRunning}>
              Save
            </button>
            {error !== undefined && seen !== current && (
              <button type="button" onClick={() => setSeen(current)}>
                I have seen that
              </button>
            )}
          </span>
        </form>
      )}
    </section>
  );
}
