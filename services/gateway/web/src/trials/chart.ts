import type { Options } from "@/components/charts";
import { period, shortNumber } from "@/format";
import type { Language } from "@/i18n";
import type { Palette } from "@/theme/tokens";
import type { Result } from "./api";
import { trialText } from "./messages";

/** Month by month: what both versions raise, what comes on top of it, and beside it what goes. */
export function monthOptions(result: Result, palette: Palette, language: Language): Options {
  const t = trialText[language];
  const bar = (name: string, values: number[], color: string, stack: string, decal?: string) => ({
    type: "bar",
    name,
    stack,
    data: values,
    itemStyle: { color, ...(decal ? { decal: { symbol: decal } } : {}) },
  });
  const { months } = result;
  return {
    grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
    legend: { top: 0, type: "scroll" },
    tooltip: { trigger: "axis" },
    xAxis: { type: "category", data: months.map(each => period(each.period, language)) },
    yAxis: {
      type: "value",
      minInterval: 1,
      axisLabel: { formatter: (value: number) => shortNumber(value, language) },
    },
    series: [
      bar(
        t.same,
        months.map(each => each.same),
        palette.contract,
        "now",
      ),
      bar(
        t.added,
        months.map(each => each.added),
        palette.arrears,
        "now",
        "rect",
      ),
      bar(
        t.gone,
        months.map(each => each.gone),
        palette.secondary,
        "gone",
        "triangle",
      ),
    ],
  };
}
