// Bar charts as SVG, drawn by ECharts without a browser. They have a background of their own, so they read the same on a light page
// and on a dark one.
import * as echarts from "echarts";

export interface Bar {
  /** Lines are parted by line breaks. */
  readonly label: string;
  readonly value: number;
  /** Drawn in the colour of Tripline. */
  readonly isOurs: boolean;
}

const widthPx = 800;
/** One bar with its room. */
const barHeightPx = 62;
const headHeightPx = 90;
const groupedHeightPx = 380;
/** For the names of bars. Fixed: how wide a text is depends on the fonts of whoever looks at it. */
const labelsPx = 190;

const colours = {
  background: "#ffffff",
  text: "#1f2328",
  muted: "#59636e",
  grid: "#d1d9e0",
  ours: "#0969da",
  theirs: "#9aa4af",
};
const font = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";

interface Head {
  readonly title: string;
  readonly subtitle: string;
  readonly format: (value: number) => string;
}

/** Bars that lie, the first one on top; undefined without bars. */
export function barChart({ bars, format, ...head }: Head & { readonly bars: readonly Bar[] }): string | undefined {
  if (bars.length === 0) return undefined;
  return draw(headHeightPx + bars.length * barHeightPx, {
    ...frameOf(head),
    grid: { left: labelsPx, right: 110, top: 78, bottom: 12 },
    xAxis: { type: "value", axisLabel: { show: false }, splitLine: { lineStyle: { color: colours.grid } } },
    yAxis: {
      type: "category",
      inverse: true,
      data: bars.map(({ label }) => label),
      axisLabel: { color: colours.text, fontSize: 14, fontFamily: font, lineHeight: 18 },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colours.muted } },
    },
    series: [
      {
        type: "bar",
        barWidth: 30,
        data: bars.map(({ isOurs, value }) => ({
          value,
          itemStyle: { color: isOurs ? colours.ours : colours.theirs },
        })),
        label: valueLabel("right", format),
      },
    ],
  });
}

/** Bars that stand in groups, a colour for each series. */
export function groupedBarChart({
  format,
  groups,
  series,
  ...head
}: Head & {
  readonly groups: readonly { readonly label: string; readonly values: readonly number[] }[];
  readonly series: readonly string[];
}): string {
  return draw(groupedHeightPx, {
    ...frameOf(head),
    grid: { left: 76, right: 24, top: 116, bottom: 36 },
    legend: {
      left: 16,
      top: 72,
      itemWidth: 14,
      itemGap: 32,
      textStyle: { color: colours.text, fontSize: 14, fontFamily: font },
    },
    xAxis: {
      type: "category",
      data: groups.map(({ label }) => label),
      axisLabel: { color: colours.text, fontSize: 14, fontFamily: font },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colours.muted } },
    },
    yAxis: {
      type: "value",
      axisLabel: { color: colours.muted, fontSize: 13, fontFamily: font },
      splitLine: { lineStyle: { color: colours.grid } },
    },
    series: series.map((name, index) => ({
      type: "bar" as const,
      name,
      barMaxWidth: 70,
      color: index === 0 ? colours.ours : colours.theirs,
      data: groups.map(({ values }) => values[index] ?? null),
      label: valueLabel("top", format),
    })),
  });
}

function frameOf({ title, subtitle }: Pick<Head, "title" | "subtitle">) {
  return {
    animation: false,
    backgroundColor: colours.background,
    title: {
      left: 16,
      top: 14,
      text: title,
      subtext: subtitle,
      itemGap: 8,
      textStyle: { color: colours.text, fontSize: 18, fontFamily: font },
      subtextStyle: { color: colours.muted, fontSize: 13, fontFamily: font },
    },
  };
}

function valueLabel(position: "right" | "top", format: (value: number) => string) {
  return {
    show: true,
    position,
    color: colours.text,
    fontSize: 14,
    fontFamily: font,
    formatter: ({ value }: { value: unknown }) => format(Number(value)),
  };
}

function draw(height: number, options: echarts.EChartsCoreOption): string {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: widthPx, height });
  chart.setOption(options);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
