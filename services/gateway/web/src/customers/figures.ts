import type { ChartTable } from "@/components/ChartCard";
import type { Options } from "@/components/charts";
import { money, number, period as periodOf, shortMoney, shortNumber, UNKNOWN } from "@/format";
import type { Language } from "@/i18n/language";
import type { Palette } from "@/theme/tokens";
import type { customerText } from "./messages";
import type { Account } from "./useCustomer";

type Words = typeof customerText.zh;

/** A month with what BOSS has told of it; null: nothing, which is not 0. */
export interface MonthFigures {
  period: string;
  bill: number | null;
  minutes: number | null;
  mb: number | null;
  /** Mean of the three months before; null where one of them is not known. */
  mean: number | null;
}

export const MONTHS = 24;

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);

/** The last two years up to the newest month known, without those before anything is known. */
export function monthsOf(account: Pick<Account, "bills" | "usages">): MonthFigures[] {
  const by = (facts: readonly Record<string, unknown>[]) =>
    new Map(facts.map(fact => [String(fact.period ?? ""), fact]));
  const bills = by(account.bills as unknown as Record<string, unknown>[]);
  const usages = by(account.usages as unknown as Record<string, unknown>[]);
  const newest = [...bills.keys(), ...usages.keys()]
    .filter(key => /^\d{6}$/.test(key))
    .sort()
    .at(-1);
  if (!newest) {
    return [];
  }
  const at = Number(newest.slice(0, 4)) * 12 + Number(newest.slice(4)) - 1;
  const name = (month: number): string => `${Math.floor(month / 12)}${String((month % 12) + 1).padStart(2, "0")}`;
  const bill = (month: number): number | null => numberOf(bills.get(name(month))?.amount_fen);
  const months = Array.from({ length: MONTHS }, (_, n) => {
    const month = at - (MONTHS - 1 - n);
    const usage = usages.get(name(month));
    const before = [1, 2, 3].map(back => bill(month - back)).filter(value => value !== null);
    return {
      period: name(month),
      bill: bill(month),
      minutes: numberOf(usage?.voice_minutes),
      mb: numberOf(usage?.data_mb),
      mean: before.length === 3 ? before.reduce((sum, value) => sum + value, 0) / 3 : null,
    };
  });
  const first = months.findIndex(month => month.bill !== null || month.minutes !== null || month.mb !== null);
  return months.slice(first);
}

/** Bars for bills, a line for minutes, the dashed mean of three months before. */
export function billChart(months: readonly MonthFigures[], t: Words, language: Language, p: Palette): Options {
  return {
    legend: { data: [t.billAmount, t.band, t.voice], bottom: 0 },
    grid: { left: 8, right: 8, top: 16, bottom: 36, containLabel: true },
    tooltip: { trigger: "axis" },
    xAxis: { type: "category", data: months.map(month => periodOf(month.period, language)) },
    yAxis: [
      { type: "value", axisLabel: { formatter: (value: number) => shortMoney(value, language) } },
      {
        type: "value",
        splitLine: { show: false },
        axisLabel: { formatter: (value: number) => shortNumber(value, language) },
      },
    ],
    series: [
      {
        name: t.billAmount,
        type: "bar",
        data: months.map(month => month.bill),
        itemStyle: { color: p.contract },
        tooltip: { valueFormatter: (value: unknown) => money(value as number | null) },
      },
      {
        name: t.band,
        type: "line",
        data: months.map(month => month.mean),
        symbol: "diamond",
        symbolSize: 6,
        lineStyle: { type: "dashed", color: p.ruleLine },
        itemStyle: { color: p.ruleLine },
        tooltip: { valueFormatter: (value: unknown) => money(value as number | null) },
      },
      {
        name: t.voice,
        type: "line",
        yAxisIndex: 1,
        data: months.map(month => month.minutes),
        symbol: "circle",
        itemStyle: { color: p.arrears },
        tooltip: { valueFormatter: (value: unknown) => number(value as number | null) },
      },
    ],
  };
}

/** The newest month first: what people look for stands on top. */
export function billTable(months: readonly MonthFigures[], t: Words, language: Language): ChartTable {
  return {
    columns: [t.month, t.billAmount, t.band, t.voice, t.data],
    rows: [...months]
      .reverse()
      .map(month => [
        periodOf(month.period, language),
        month.bill === null ? UNKNOWN : money(month.bill),
        money(month.mean === null ? null : Math.round(month.mean)),
        number(month.minutes),
        number(month.mb),
      ]),
  };
}

export const AGES = ["not_due", "to_30", "to_60", "to_90", "over_90"] as const;

/** Parts of the debt that are there, with their share of it. */
export function agesOf(
  ages: NonNullable<Account["ages"]>,
): { name: (typeof AGES)[number]; fen: number; share: number }[] {
  const whole = AGES.reduce((sum, name) => sum + ages[name], 0);
  return AGES.map(name => ({ name, fen: ages[name], share: whole > 0 ? ages[name] / whole : 0 }));
}

/** Where a contract stands between its days, 0 to 1; null where one of them is not known. */
export function shareOf(
  starts: string | null | undefined,
  ends: string | null | undefined,
  now: number,
): number | null {
  const [from, to] = [Date.parse(starts ?? ""), Date.parse(ends ?? "")];
  return Number.isNaN(from) || Number.isNaN(to) || to <= from
    ? null
    : Math.min(1, Math.max(0, (now - from) / (to - from)));
}
