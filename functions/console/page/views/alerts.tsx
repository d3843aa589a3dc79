import { useEffect, useRef, useState } from "preact/hooks";
import { type AlertPage, type AlertView, caseStatuses } from "../../api.ts";
import { alertPaging } from "../alert-paging.ts";
import type { ViewProps } from "../app.tsx";
import { saveCsv } from "../csv.ts";
import { formatMoment, formatWhole, inputOfUtc, utcOfInput } from "../format.ts";
import { useLive } from "../live.ts";
import { MoreButton, useMore } from "../more.tsx";
import { addressOf, navigate } from "../router.ts";
import { Answer, ErrorNote, Heading, useDeed } from "../ui.tsx";
import { AlertTable, statusWords } from "./alert-table.tsx";

const filterNames = ["agent", "user", "card", "status", "from", "to"] as const;
type Filter = { readonly [Name in (typeof filterNames)[number]]?: string };

export function Alerts({ address, readOnly }: ViewProps) {
  const filter: Filter = Object.fromEntries(filterNames.map((name) => [name, address.query.get(name) ?? ""]));
  const path = addressOf("/api/alerts", filter);
  return (
    <>
      <Heading title="Alerts">
        <Export filter={filter} />
      </Heading>
      <FilterForm key={path} filter={filter} />
      <AlertList key={`list of ${path}`} filter={filter} readOnly={readOnly} />
    </>
  );
}

function AlertList({ filter, readOnly }: { filter: Filter; readOnly: boolean }) {
  const live = useLive<AlertPage>(addressOf("/api/alerts", filter), 2_000);
  const held = useHeld(live.data);
  const more = useMore(held.shown, (before) => addressOf("/api/alerts", { ...filter, before }), alertPaging);
  return (
    <Answer live={{ ...live, data: more.page }} lines={12}>
      {({ alerts, searchedTo }) => (
        <>
          <p class="waiting">
            <span class="unseen" role="status">
              {held.waiting > 0 && "New alerts wait."}
            </span>
            {held.waiting > 0 && (
              <button type="button" class="primary" onClick={held.show}>
                {held.isPageful ? "Many" : formatWhole(held.waiting)} new
              </button>
            )}
          </p>
          <AlertTable alerts={alerts} {...(readOnly ? {} : { changed: live.refresh })} />
          {searchedTo !== null && (
            <p class="quiet">
              Looked through the alerts back to {formatMoment(searchedTo)} UTC, and there are earlier ones.
            </p>
          )}
          <MoreButton more={more} label={searchedTo === null ? "Earlier alerts" : "Look further back"} />
        </>
      )}
    </Answer>
  );
}

/**
 * What is shown of a page that is always new. At its top, new alerts come by themselves. Whoever has scrolled down, or has the keyboard or
 * the pointer in the table, reads: nothing must move under their eyes, so new alerts wait for a button.
 */
function useHeld(page: AlertPage | undefined) {
  const [shown, setShown] = useState<AlertPage>();
  const newest = useRef(page);
  newest.current = page;
  useEffect(() => {
    if (page === undefined) return;
    if (shown === undefined || !isReading()) setShown(page);
    else setShown({ ...shown, alerts: shown.alerts.map((alert) => latestOf(alert, page)) });
  }, [page]);
  const known = new Set(shown?.alerts.map(({ alertId }) => alertId));
  const waiting = shown === undefined ? 0 : (page?.alerts.filter(({ alertId }) => !known.has(alertId)).length ?? 0);
  return {
    shown,
    waiting,
    /** As many as a page holds, and there may be more. */
    isPageful: waiting === page?.alerts.length,
    show: () => {
      if (newest.current !== undefined) setShown(newest.current);
      scrollTo(0, 0);
    },
  };
}

/** What was said of an alert meanwhile is seen at once. */
const latestOf = (alert: AlertView, page: AlertPage) =>
  page.alerts.find(({ alertId }) => alertId === alert.alertId) ?? alert;

const isReading = () => scrollY > 80 || document.querySelector(".table:hover, .table:focus-within") !== null;

/** What is typed stays while the list moves on: nothing here follows the filter until another one is asked for, which makes the form anew. */
function FilterForm({ filter }: { filter: Filter }) {
  const apply = (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = (name: string) => String(form.get(name) ?? "").trim();
    navigate(
      addressOf("/alerts", {
        ...Object.fromEntries(filterNames.map((name) => [name, given(name)])),
        from: utcOfInput(given("from")),
        to: utcOfInput(given("to")),
      }),
    );
  };
  const isFiltered = filterNames.some((name) => filter[name] !== "");
  return (
    <form class="filter" onSubmit={apply} aria-label="Filter">
      <label>
        Agent
        <select name="agent">
          <option value="">all</option>
          {["profile", "velocity"].map((agent) => (
            <option key={agent} value={agent} selected={agent === filter.agent}>
              {agent}
            </option>
          ))}
        </select>
      </label>
      <label>
        User
        <input name="user" inputMode="numeric" pattern="-?[0-9]{1,10}" size={8} defaultValue={filter.user} />
      </label>
      <label>
        Card
        <input name="card" size={10} defaultValue={filter.card} />
      </label>
      <label>
        Case
        <select name="status">
          <option value="">all</option>
          {caseStatuses.map((status) => (
            <option key={status} value={status} selected={status === filter.status}>
              {statusWords[status]}
            </option>
          ))}
        </select>
      </label>
      <label>
        From (UTC)
        <input name="from" type="datetime-local" step={1} defaultValue={inputOfUtc(filter.from)} />
      </label>
      <label>
        To (UTC)
        <input name="to" type="datetime-local" step={1} defaultValue={inputOfUtc(filter.to)} />
      </label>
      <button type="submit" class="primary">
        Filter
      </button>
      {isFiltered && <a href="/alerts">All alerts</a>}
    </form>
  );
}

function Export({ filter }: { filter: Filter }) {
  const [rows, setRows] = useState<number>();
  const { error, isRunning, run } = useDeed(async () => {
    await saveCsv(filter, setRows);
    setRows(undefined);
  });
  return (
    <span class="export">
      <button type="button" disabled={isRunning} onClick={run}>
        {isRunning ? `Exporting ${rows === undefined ? "" : formatWhole(rows)}…` : "Export as CSV"}
      </button>
      {error !== undefined && <ErrorNote error={error} />}
    </span>
  );
}
