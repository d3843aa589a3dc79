import { useMemo } from "preact/hooks";
import type { SensorView, TemperatureView } from "../../api.ts";
import type { ViewProps } from "../app.tsx";
import { Chart } from "../chart.tsx";
import { formatMoment, formatTime, gapBetween, withGaps } from "../format.ts";
import { useLive } from "../live.ts";
import { addressOf, navigate } from "../router.ts";
import { Answer, Empty, Heading, Table } from "../ui.tsx";

/** The sensor writes once a minute: more than two and a half are a gap. */
const gapMs = 150_000;
const ranges = [
  ["1", "1 hour"],
  ["6", "6 hours"],
  ["24", "1 day"],
  ["168", "1 week"],
] as const;

export function Temperature({ address }: ViewProps) {
  const hours = address.query.get("hours") ?? "6";
  const live = useLive<TemperatureView>(addressOf("/api/temperature", { hours }), 10_000);
  return (
    <>
      <Heading title="Temperature">
        <label>
          Range{" "}
          <select
            value={hours}
            onChange={(event) =>
              navigate(addressOf("/temperature", { hours: event.currentTarget.value }), { replace: true })
            }
          >
            {ranges.map(([value, title]) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </Heading>
      <Answer live={live} lines={10}>
        {({ lastReport, sensors }) => (
          <>
            <p class="lead" role="status">
              {lastReport === null
                ? "No report yet: the reporter speaks every ten minutes."
                : `${lastReport.message}, until ${formatMoment(lastReport.windowEnd)} UTC.`}
            </p>
            {sensors.length === 0 ? (
              <Empty title="No readings in this time">
                <p>The sensor writes one a minute while the functions run.</p>
              </Empty>
            ) : (
              sensors.map((sensor) => <Sensor key={sensor.sensorId} sensor={sensor} />)
            )}
          </>
        )}
      </Answer>
    </>
  );
}

const celsius = (value: number) => `${value.toFixed(1)} °C`;

function Sensor({ sensor: { sensorId, readings, averages } }: { sensor: SensorView }) {
  const [times, values] = useMemo(() => {
    const measured = withGaps(
      readings.map(({ at, celsius: value }) => ({ atMs: Date.parse(at), value })),
      gapMs,
    );
    return align(measured, asSteps(averages));
  }, [readings, averages]);
  return (
    <section>
      <h2 class="text">{sensorId}</h2>
      <Chart
        description={`Readings of ${sensorId} and the averages of ten minutes, in degrees Celsius`}
        series={[
          { label: "reading", color: "--accent", kind: "line", format: celsius },
          { label: "average of ten minutes", color: "--second", kind: "line", format: celsius },
        ]}
        times={times}
        values={values}
      />
      <details>
        <summary>Reports</summary>
        <Table
          caption={`Reports of ${sensorId}`}
          columns={[
            "From (UTC)",
            "To",
            ...["Average", "Minimum", "Maximum", "Readings"].map((title) => ({ title, isNumber: true as const })),
          ]}
        >
          {averages.toReversed().map(({ from, to, average, minimum, maximum, readings: count }) => (
            <tr key={from + to}>
              <td>{formatMoment(from)}</td>
              <td>{formatTime(to)}</td>
              <td class="number">{celsius(average)}</td>
              <td class="number">{celsius(minimum)}</td>
              <td class="number">{celsius(maximum)}</td>
              <td class="number">{count}</td>
            </tr>
          ))}
        </Table>
      </details>
    </section>
  );
}

/** An average holds for its ten minutes; where the next one does not begin with its end, there is a gap. */
function asSteps(averages: SensorView["averages"]): Points {
  return averages.flatMap(({ from, to, average: value }, index) => {
    const [fromMs, toMs] = [Date.parse(from), Date.parse(to)];
    const before = averages[index - 1];
    const gap = before !== undefined && before.to !== from ? gapBetween(Date.parse(before.to), fromMs) : [];
    return [...gap, { atMs: fromMs, value }, { atMs: toMs, value }];
  });
}

type Points = ReturnType<typeof withGaps>;

/**
 * Both on one axis of time. Where the other one has a point, a series has `undefined`, over which uPlot draws on; null, which is a gap, it does
 * not.
 */
function align(first: Points, second: Points): readonly [number[], (number | null)[][]] {
  const all = [...first.map((point) => ({ ...point, of: 0 })), ...second.map((point) => ({ ...point, of: 1 }))].sort(
    (a, b) => a.atMs - b.atMs,
  );
  return [
    all.map(({ atMs }) => atMs / 1_000),
    [0, 1].map((index) => all.map(({ of, value }) => (of === index ? value : undefined)) as (number | null)[]),
  ];
}
