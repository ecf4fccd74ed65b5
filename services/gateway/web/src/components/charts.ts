/** The parts of ECharts that pages use; loaded after the first paint. */
import { BarChart, HeatmapChart, LineChart } from "echarts/charts";
import {
  AriaComponent,
  DataZoomComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import * as echarts from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { number, UNKNOWN } from "@/format";
import { FONT, type Mode, palettes } from "@/theme/tokens";

echarts.use([
  LineChart,
  BarChart,
  HeatmapChart,
  GridComponent,
  TooltipComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  VisualMapComponent,
  DataZoomComponent,
  AriaComponent,
  CanvasRenderer,
]);

export type Chart = echarts.ECharts;
export type Options = echarts.EChartsCoreOption;

function themeOf(mode: Mode): object {
  const p = palettes[mode];
  const axis = {
    axisLine: { lineStyle: { color: p.border } },
    axisTick: { lineStyle: { color: p.border } },
    axisLabel: { color: p.secondary, fontFamily: FONT },
    splitLine: { lineStyle: { color: p.line } },
    nameTextStyle: { color: p.secondary },
  };
  return {
    color: [p.contract, p.arrears, p.complaint, p.churn],
    backgroundColor: "transparent",
    textStyle: { color: p.text, fontFamily: FONT },
    categoryAxis: axis,
    valueAxis: axis,
    timeAxis: axis,
    legend: { textStyle: { color: p.text } },
    tooltip: {
      backgroundColor: p.raised,
      borderColor: p.border,
      textStyle: { color: p.text, fontFamily: FONT },
    },
    // By itself ECharts draws an edge around labels, which in the dark theme is brighter than they are.
    bar: { label: { color: p.text, textBorderWidth: 0 } },
    visualMap: { textStyle: { color: p.secondary }, inRange: { color: [...p.heat] } },
  };
}

for (const mode of ["light", "dark"] as const) {
  echarts.registerTheme(`kam-${mode}`, themeOf(mode));
}

export function open(element: HTMLElement, mode: Mode): Chart {
  return echarts.init(element, `kam-${mode}`);
}

/** A value in a tooltip where the chart says nothing of its own: `1,234`, unknown `—`. */
function plain(value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? number(value) : UNKNOWN;
}

/** What holds for every chart: an HTML tooltip would write inline styles, which our policy forbids, and markup. */
export function safe(options: Options, label: string, motion: boolean): Options {
  const tooltip = typeof options.tooltip === "object" && options.tooltip !== null ? options.tooltip : {};
  return {
    animation: motion,
    animationDuration: 200,
    aria: { enabled: true, decal: { show: true }, label: { description: label } },
    grid: { left: 8, right: 12, top: 32, bottom: 8 },
    ...options,
    tooltip: { confine: true, valueFormatter: plain, ...tooltip, renderMode: "richText" },
  };
}
