import type { Options } from "@/components/charts";
import { money, number, shortMoney, shortNumber } from "@/format";
import type { Language } from "@/i18n";
import type { RowsAsked } from "@/rows/address";
import type { Palette } from "@/theme/tokens";
import type { Overview } from "./fields";

export type Counted = RowsAsked & { count: number };

const COLOUR: Readonly<Record<string, keyof Pick<Palette, "churn" | "arrears" | "complaint" | "contract">>> = {
  churn_warning: "churn",
  arrears: "arrears",
  complaint_opened: "complaint",
  contract_expiring: "contract",
};

export function colourOf(kind: string, palette: Palette): string {
  const name = COLOUR[kind];
  return name ? palette[name] : palette.secondary;
}

/** `09:00` of an hour, `06-21` of a day, in the business zone. */
export function startName(start: string, step: Overview["step"]): string {
  const local = new Date(Date.parse(start) + 8 * 3600_000).toISOString();
  return step === "hour" ? local.slice(11, 16) : local.slice(5, 10);
}

/** What has begun by now of values by hour or day: of what is still to come there is nothing to say, not 0. */
export function soFar<T>(view: Pick<Overview, "starts">, values: readonly T[], now: number): T[] {
  return values.filter((_, at) => Date.parse(view.starts[at] ?? "") <= now);
}

/** Rows of a place in time: of alerts of one kind, or one city. */
export function rowsAt(view: Overview, at: number, more: Readonly<Record<string, string>>, count: number): Counted {
  const since = view.starts[at] ?? view.since;
  const until = view.starts[at + 1] ?? view.until;
  return { list: "alerts", filter: { ...view.filter, ...more, since, until }, count };
}

const axis = (language: Language) => ({
  type: "value",
  minInterval: 1,
  axisLabel: { formatter: (value: number) => shortNumber(value, language) },
});

const grid = { left: 8, right: 16, top: 36, bottom: 4, containLabel: true };

export function timeOptions(
  view: Overview,
  nameOf: (kind: string) => string,
  palette: Palette,
  language: Language,
  now: number,
): Options {
  return {
    grid,
    legend: { top: 0, type: "scroll" },
    tooltip: { trigger: "axis" },
    xAxis: { type: "category", data: view.starts.map(start => startName(start, view.step)) },
    yAxis: axis(language),
    series: view.by_time.map(({ kind, counts }) => ({
      type: "bar",
      stack: "alerts",
      name: nameOf(kind),
      data: soFar(view, counts, now),
      itemStyle: { color: colourOf(kind, palette) },
    })),
  };
}

export function cityOptions(view: Overview, nameOf: (city: string) => string, language: Language): Options {
  const cells = view.by_city.flatMap(({ counts }, row) =>
    counts.flatMap((count, at) => (count > 0 ? [[at, row, count]] : [])),
  );
  const most = Math.max(1, ...cells.map(cell => cell[2] as number));
  return {
    grid: { ...grid, top: 8, bottom: 40 },
    tooltip: {
      formatter: ({ value: [at, row, count] }: { value: [number, number, number] }) =>
        `${nameOf(view.by_city[row]?.city ?? "")} ${startName(view.starts[at] ?? "", view.step)}\n${number(count)}`,
    },
    xAxis: { type: "category", data: view.starts.map(start => startName(start, view.step)) },
    yAxis: { type: "category", data: view.by_city.map(({ city }) => nameOf(city)) },
    visualMap: {
      min: 0,
      max: most,
      // Without handles ECharts writes no numbers beside the scale by itself.
      text: [shortNumber(most, language), "0"],
      calculable: false,
      orient: "horizontal",
      left: "center",
      bottom: 0,
      itemHeight: 80,
    },
    series: [{ type: "heatmap", data: cells }],
  };
}

/** Bars lying on their side, one a row, with their number beside them. */
export function barOptions(
  rows: readonly { name: string; value: number; colour: string }[],
  language: Language,
  isMoney = false,
): Options {
  const short = (value: number): string => (isMoney ? shortMoney(value, language) : shortNumber(value, language));
  const whole = isMoney ? money : number;
  return {
    grid: { ...grid, top: 8, right: isMoney ? 104 : 64 },
    tooltip: {
      trigger: "item",
      valueFormatter: whole,
    },
    xAxis: { type: "value", minInterval: isMoney ? undefined : 1, axisLabel: { formatter: short, hideOverlap: true } },
    yAxis: { type: "category", inverse: true, data: rows.map(({ name }) => name) },
    series: [
      {
        type: "bar",
        barMaxWidth: 24,
        data: rows.map(({ value, colour }) => ({ value, itemStyle: { color: colour } })),
        label: { show: true, position: "right", formatter: ({ value }: { value: number }) => whole(value) },
      },
    ],
  };
}

export function recoveredOptions(view: Overview, palette: Palette, language: Language, now: number): Options {
  return {
    grid: { ...grid, top: 12 },
    tooltip: { trigger: "axis", valueFormatter: (value: number) => money(value) },
    xAxis: { type: "category", data: view.starts.map(start => startName(start, view.step)) },
    yAxis: { type: "value", axisLabel: { formatter: (value: number) => shortMoney(value, language) } },
    series: [
      {
        type: "line",
        symbolSize: 6,
        data: soFar(view, view.recovered.amounts_fen, now),
        lineStyle: { color: palette.arrears },
        itemStyle: { color: palette.arrears },
      },
    ],
  };
}

/** Rows of what was recovered in an hour or on a day. */
export function recoveredAt(view: Overview, at: number): Counted {
  const { list, filter, counts } = view.recovered;
  const since = view.starts[at] ?? view.since;
  const until = view.starts[at + 1] ?? view.until;
  return { list, filter: { ...filter, ended_since: since, ended_until: until }, count: counts[at] ?? 0 };
}

/** Customers by age: of an open debt there is one alert. */
export function ageName(age: string, words: Readonly<Record<string, string>>, days: (age: string) => string): string {
  return words[age] ?? days(age);
}

/** A fall of the bill: now, the mean before, and by what share. */
export function fallOf(values: Readonly<Record<string, unknown>>): { by: number; mean: number } | null {
  const [now, base] = [values.amount_fen, values.amount_fen_base];
  if (typeof now !== "number" || typeof base !== "number" || base <= 0) {
    return null;
  }
  const mean = Math.round(base / 3);
  return { by: mean - now, mean };
}
