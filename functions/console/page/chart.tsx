import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

export interface ChartSeries {
  readonly label: string;
  /** The name of a colour in the style sheet: `--accent`. */
  readonly color: string;
  /** `steps` holds a value from its point on, `leading` until it. */
  readonly kind: "line" | "points" | "steps" | "leading";
  readonly format: (value: number) => string;
}

export interface ChartProps {
  /** What a person who does not see it is told. */
  readonly description: string;
  readonly series: readonly ChartSeries[];
  /** Seconds since 1970, and the values of each series; null where there is none. */
  readonly times: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
  readonly height?: number;
}

const pad = (value: number) => String(value).padStart(2, "0");
const clock = (seconds: number) => {
  const date = new Date(seconds * 1_000);
  return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
};

/** A time series by uPlot, in the colours of the style sheet; the same height before and after it is drawn. */
export function Chart({ description, series, times, values, height = 240 }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const data = [times, ...values] as unknown as uPlot.AlignedData;
  const latest = useRef(data);
  latest.current = data;
  const shape = series.map(({ label, kind, color }) => `${label} ${kind} ${color}`).join();
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const draw = () => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsOf(series, element.clientWidth, height), latest.current, element);
    };
    draw();
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    resized.observe(element);
    // Canvas knows no style sheet: what was drawn in light is drawn anew in dark.
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    addEventListener("tripline:theme", draw);
    return () => {
      resized.disconnect();
      scheme.removeEventListener("change", draw);
      removeEventListener("tripline:theme", draw);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape, height]);
  useEffect(() => plot.current?.setData(data), [times, values]);
  return (
    <figure class="chart">
      <figcaption>
        {series.map(({ label, color, kind }) => (
          <span key={label} class={`key ${kind}`}>
            <svg viewBox="0 0 16 10" aria-hidden="true">
              {kind === "points" ? (
                <circle cx="8" cy="5" r="4" fill={`var(${color})`} />
              ) : (
                <path d="M0 5H16" stroke={`var(${color})`} stroke-width={3} />
              )}
            </svg>
            {label}
          </span>
        ))}
        <span class="quiet">UTC</span>
      </figcaption>
      <div ref={place} class="plot" style={{ height: `${height}px` }} role="img" aria-label={description} />
    </figure>
  );
}

function optionsOf(series: readonly ChartSeries[], width: number, height: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  // A colour that depends on light and dark is what it comes to on an element.
  const probe = document.createElement("span");
  document.body.append(probe);
  const color = (name: string) => {
    probe.style.color = style.getPropertyValue(name) === "" ? name : `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const font = `12px ${style.getPropertyValue("--font") || "system-ui"}`;
  const [ink, line] = [color("--muted"), color("--line")];
  const axis: uPlot.Axis = {
    stroke: ink,
    font,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1, size: 4 },
  };
  const first = series[0] as ChartSeries;
  const options: uPlot.Options = {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: true } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    axes: [
      {
        ...axis,
        size: 32,
        space: 80,
        values: (_, splits) => splits.map((each) => clock(each).slice(0, stepOf(splits) < 60 ? 8 : 5)),
      },
      { ...axis, size: 64, values: (_, splits) => splits.map((each) => first.format(each)) },
    ],
    series: [{}, ...series.map((each) => seriesOf(each, color(each.color)))],
    hooks: { setCursor: [(plot) => showValues(plot, series)] },
  };
  probe.remove();
  return options;
}

const stepOf = (splits: readonly number[]) => (splits[1] ?? 0) - (splits[0] ?? 0);

function seriesOf({ kind, label }: ChartSeries, stroke: string): uPlot.Series {
  const paths = uPlot.paths;
  if (kind === "points") {
    return { label, stroke, paths: () => null, points: { show: true, size: 8, fill: stroke, stroke } };
  }
  const steps = kind === "line" ? undefined : paths.stepped?.({ align: kind === "steps" ? 1 : -1 });
  return {
    label,
    stroke,
    width: 2,
    points: { show: kind === "line", size: 4, fill: stroke },
    ...(steps === undefined ? {} : { paths: steps }),
  };
}

/** The values under the cursor, as the title of the chart. */
function showValues(plot: uPlot, series: readonly ChartSeries[]): void {
  const { idx } = plot.cursor;
  const time = idx === null || idx === undefined ? undefined : plot.data[0][idx];
  if (time === undefined) {
    plot.over.removeAttribute("title");
    return;
  }
  const values = series.map(({ label, format }, index) => {
    const value = plot.data[index + 1]?.[idx as number];
    return value === null || value === undefined ? "" : `\n${label}: ${format(value)}`;
  });
  plot.over.title = `${clock(time)} UTC${values.join("")}`;
}
