import { useState } from "preact/hooks";
import type { AuditPage } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { get } from "../client.ts";
import { formatMoment } from "../format.ts";
import { useLive } from "../live.ts";
import { addressOf } from "../router.ts";
import { Answer, Empty, ErrorNote, Heading, Table, useDeed } from "../ui.tsx";

export function Audit(_: ViewProps) {
  const live = useLive<AuditPage>("/api/audit", 5_000);
  const [older, setOlder] = useState<AuditPage>();
  const { error, isRunning, run } = useDeed(async () => {
    const before = (older ?? live.data)?.next ?? undefined;
    const page = await get<AuditPage>(addressOf("/api/audit", { before }));
    setOlder({ ...page, entries: [...(older?.entries ?? []), ...page.entries] });
  });
  return (
    <>
      <Heading title="Audit" />
      <p class="quiet">Who did what here, newest first; what was refused as well.</p>
      <Answer live={live}>
        {(page) => {
          const known = new Set(page.entries.map(({ id }) => id));
          const entries = [...page.entries, ...(older?.entries ?? []).filter(({ id }) => !known.has(id))];
          if (entries.length === 0) return <Empty title="Nothing was done so far" />;
          return (
            <>
              <Table caption="Actions, newest first" columns={["Time (UTC)", "Who", "Action", "On", "With", "Outcome"]}>
                {entries.map(({ id, at, actor, action, target, detail, outcome }) => (
                  <tr key={id}>
                    <td>{formatMoment(at)}</td>
                    <td class="mono text">{actor}</td>
                    <td>{action}</td>
                    <td class="mono text">{target}</td>
                    <td class="mono text">{detailOf(detail)}</td>
                    <td class="text">{outcome}</td>
                  </tr>
                ))}
              </Table>
              {error !== undefined && <ErrorNote error={error} />}
              {(older ?? page).next !== null && (
                <p>
                  <button type="button" disabled={isRunning} onClick={run}>
                    Earlier ones
                  </button>
                </p>
              )}
            </>
          );
        }}
      </Answer>
    </>
  );
}

function detailOf(detail: unknown): string {
  if (typeof detail !== "object" || detail === null) return "";
  return Object.entries(detail)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" ");
}
