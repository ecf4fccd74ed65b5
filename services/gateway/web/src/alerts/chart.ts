import type { ChartTable } from "@/components/ChartCard";
import type { Options } from "@/components/charts";
import { money, monthOf, number, shortMoney, shortNumber } from "@/format";
import type { Language } from "@/i18n/language";
import type { Palette } from "@/theme/tokens";
import { type AlertFacts, numberOf, type RuleFacts } from "./facts";

/** Monthly figures of a customer, as the customer's page has them. */
export interface Month {
  period: string;
  value: number | null;
}

export interface Baseline {
  /** What is normal, low and high, in the unit of the figure. */
  band?: readonly [number, number];
  /** Where the rule begins to warn. */
  line?: number;
}

/** Months of the chart: enough to see a habit, few enough to read. */
export const MONTHS = 12;

/** The last months up to the alert's own, in order, with gaps where nothing is known. */
export function monthsOf(
  facts: readonly Readonly<Record<string, unknown>>[],
  figure: string,
  last: string | undefined,
): Month[] {
  const known = new Map<string, number>();
  for (const fact of facts) {
    const value = fact[figure];
    if (typeof fact.period === "string" && typeof value === "number") {
      known.set(fact.period, value);
    }
  }
  const newest = last ?? [...known.keys()].sort().at(-1);
  if (!newest || !/^\d{6}$/.test(newest)) {
    return [];
  }
  const at = Number(newest.slice(0, 4)) * 12 + Number(newest.slice(4)) - 1;
  const months = Array.from({ length: MONTHS }, (_, n) => {
    const month = at - (MONTHS - 1 - n);
    const period = `${Math.floor(month / 12)}${String((month % 12) + 1).padStart(2, "0")}`;
    return { period, value: known.get(period) ?? null };
  });
  const first = months.findIndex(month => month.value !== null);
  return first < 0 ? [] : months.slice(first);
}

/** What the alert's figure is measured against. */
export function baselineOf(alert: AlertFacts, figure: string, months: readonly Month[], rule?: RuleFacts): Baseline {
  if (alert.kind === "churn_warning") {
    const sum = numberOf(alert.values ?? {}, `${figure}_base`);
    const mean = sum === undefined ? undefined : sum / (rule?.months ?? 3);
    const share = (rule?.percent ?? 70) / 100;
    return mean === undefined ? {} : { band: [mean * share, mean], line: mean * share };
  }
  if (alert.kind === "contract_expiring") {
    return { line: numberOf(alert.values ?? {}, "monthly_fee_fen"), band: rangeOf(months) };
  }
  return { band: rangeOf(months.slice(-3)), line: numberOf(alert.values ?? {}, "amount_fen") };
}

function rangeOf(months: readonly Month[]): [number, number] | undefined {
  const known = months.flatMap(({ value }) => (value === null ? [] : [value]));
  return known.length > 1 ? [Math.min(...known), Math.max(...known)] : undefined;
}

interface Shown {
  months: readonly Month[];
  baseline: Baseline;
  isMoney: boolean;
  language: Language;
  colours: Pick<Palette, "band" | "ruleLine" | "contract">;
  words: { figure: string; line: string; normal: string; month: string };
}

/** The line of months with the band of what is normal and the rule's line. */
export function optionsOf({ months, baseline, isMoney, language, colours, words }: Shown): Options {
  const { band, line } = baseline;
  return {
    grid: { left: 8, right: 16, top: 16, bottom: 4, containLabel: true },
    tooltip: {
      trigger: "axis",
      valueFormatter: (value: unknown) => shown(typeof value === "number" ? value : null, isMoney),
    },
    xAxis: { type: "category", data: months.map(({ period }) => monthOf(period, language)), boundaryGap: false },
    yAxis: {
      type: "value",
      min: 0,
      splitNumber: 3,
      axisLabel: {
        formatter: (value: number) => (isMoney ? shortMoney(value, language) : shortNumber(value, language)),
      },
    },
    series: [
      {
        type: "line",
        name: words.figure,
        data: months.map(({ value }) => value),
        symbolSize: 7,
        lineStyle: { width: 2, color: colours.contract },
        itemStyle: { color: colours.contract },
        ...(band
          ? {
              markArea: {
                silent: true,
                itemStyle: { color: colours.band },
                data: [[{ yAxis: band[0] }, { yAxis: band[1] }]],
              },
            }
          : {}),
        ...(line !== undefined
          ? {
              markLine: {
                silent: true,
                symbol: "none",
                label: { show: false },
                lineStyle: { type: "dashed", color: colours.ruleLine },
                data: [{ yAxis: line }],
              },
            }
          : {}),
      },
    ],
  };
}

export function tableOf({ months, baseline, isMoney, language, words }: Omit<Shown, "colours">): ChartTable {
  const { band, line } = baseline;
  const rows = months.map(({ period, value }) => [monthOf(period, language), shown(value, isMoney)]);
  if (band) {
    rows.push([words.normal, `${shown(band[0], isMoney)} – ${shown(band[1], isMoney)}`]);
  }
  if (line !== undefined) {
    rows.push([words.line, shown(line, isMoney)]);
  }
  return { columns: [words.month, words.figure], rows };
}

function shown(value: number | null, isMoney: boolean): string {
  return isMoney ? money(value === null ? null : Math.round(value)) : number(value === null ? null : Math.round(value));
}
