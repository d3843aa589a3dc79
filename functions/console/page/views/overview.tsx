import type { AlertMinute, AlertPage, Overview as OverviewAnswer, PathStage } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { Chart, type ChartSeries } from "../chart.tsx";
import { formatDuration, formatTime, formatWhole } from "../format.ts";
import { useLive } from "../live.ts";
import { Answer, Breakable, Heading, Mark } from "../ui.tsx";
import { AlertTable } from "./alert-table.tsx";

export function Overview(_: ViewProps) {
  const live = useLive<OverviewAnswer>("/api/overview", 2_000);
  const alerts = useLive<AlertPage>("/api/alerts?limit=8", 2_000);
  return (
    <>
      <Heading title="Overview">
        <p class="quiet">
          <span role="status">{live.data === undefined ? "" : live.error === undefined ? "live" : "not live"}</span>
          {live.data !== undefined && `, ${formatTime(live.data.at)} UTC`}
        </p>
      </Heading>
      <Answer live={live} lines={9}>
        {(data) => (
          <>
            <Summary path={data.path} />
            <Path path={data.path} />
            {data.minutes !== null && <Minutes minutes={data.minutes} delay={data.delay} />}
          </>
        )}
      </Answer>
      <h2>Latest alerts</h2>
      <Answer live={alerts} lines={8}>
        {(page) => <AlertTable alerts={page.alerts} />}
      </Answer>
    </>
  );
}

function Summary({ path }: { path: readonly PathStage[] }) {
  const troubled = path.flatMap(({ items }) => items).filter(({ health }) => health !== "ok");
  const faults = troubled.filter(({ health }) => health === "fault");
  return (
    <p class="summary" role="status">
      {troubled.length === 0 ? (
        <>
          <Mark health="ok" label="" /> Everything between a row and its alert works.
        </>
      ) : (
        <>
          <Mark health={faults.length > 0 ? "fault" : "attention"} label="" />{" "}
          {faults.length > 0
            ? `${faults.length} ${faults.length === 1 ? "fault" : "faults"} on the path`
            : "Something needs attention"}
          : {(faults.length > 0 ? faults : troubled).map(({ name }) => name).join(", ")}
        </>
      )}
    </p>
  );
}

function Path({ path }: { path: readonly PathStage[] }) {
  return (
    <ol class="path" aria-label="The path from a row to an alert">
      {path.map(({ id, title, health, items }) => (
        <li key={id} class={health} data-stage={id}>
          <h2>
            <Mark health={health} /> {title}
          </h2>
          <ul>
            {items.map((item) => (
              <li key={item.name} class={item.health}>
                <a href={item.href} data-item={item.name}>
                  <span class="name">
                    {item.health !== "ok" && <Mark health={item.health} />}
                    <Breakable name={item.name} />
                  </span>
                  <span class="figure">{item.figure}</span>
                </a>
                {item.problem !== null && <p class="problem">{item.problem}</p>}
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

const colors = ["--accent", "--second", "--third"];

function Minutes({ minutes, delay }: { minutes: readonly AlertMinute[]; delay: OverviewAnswer["delay"] }) {
  const agents = [...new Set(minutes.flatMap(({ alerts }) => Object.keys(alerts)))].sort();
  const shown = agents.length === 0 ? ["alerts"] : agents;
  const series = shown.map(
    (label, index): ChartSeries => ({
      label,
      color: colors[index % colors.length] as string,
      kind: "steps",
      format: (value) => (Number.isInteger(value) ? formatWhole(value) : ""),
    }),
  );
  // The running minute is not over, and would look like a fall: the one before ends where it begins.
  const whole = minutes.slice(0, -1);
  return (
    <section>
      <h2>Alerts a minute</h2>
      <Chart
        description={`Alerts a minute over the last ${whole.length} minutes, by agent`}
        series={series}
        times={minutes.map(({ minute }) => Date.parse(minute) / 1_000)}
        values={shown.map((agent) => [...whole, ...whole.slice(-1)].map(({ alerts }) => alerts[agent] ?? 0))}
        height={180}
      />
      <p class="quiet">
        {delay === null
          ? "No alert within the last minute."
          : `Within the last minute, from commit to alert: half within ${formatDuration(delay.p50Ms)}, 99 of 100 within ${formatDuration(delay.p99Ms)}.`}
      </p>
    </section>
  );
}
