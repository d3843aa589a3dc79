import type { AuditPage } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { formatMoment } from "../format.ts";
import { useLive } from "../live.ts";
import { MoreButton, useMore } from "../more.tsx";
import { pagingOf } from "../paging.ts";
import { addressOf } from "../router.ts";
import { Answer, Empty, Heading, Table } from "../ui.tsx";

const paging = pagingOf(
  (page: AuditPage) => page.entries,
  ({ id }) => id,
  (page, entries) => ({ ...page, entries }),
);

export function Audit(_: ViewProps) {
  const live = useLive<AuditPage>("/api/audit", 5_000);
  const more = useMore(live.data, (before) => addressOf("/api/audit", { before }), paging);
  return (
    <>
      <Heading title="Audit" />
      <p class="quiet">Who did what here, newest first; what was refused as well.</p>
      <Answer live={{ ...live, data: more.page }}>
        {({ entries }) => {
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
              <MoreButton more={more} label="Earlier ones" />
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
