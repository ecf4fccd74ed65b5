import type { Schema } from "@/api/client";
import { dayOf, period } from "@/format";
import type { Fields } from "@/habits/filters";
import type { Language } from "@/i18n";

export type Overview = Schema<"OverviewView">;
export type Figure = Schema<"Figure">;

export const FIELDS = {
  period: { kind: "one" },
  compare: { kind: "one", values: ["mom", "yoy", "none"], first: "mom" },
  city: { kind: "many" },
  unit: { kind: "many" },
} as const satisfies Fields;

const [DAYS, MONTHS] = [7, 12];
const DAY_MS = 86_400_000;

/** The months and days one may choose, newest first; `asked` is among them. Wire values: `202606`, `20260630`. */
export function periods(now: number, asked: string): { months: string[]; days: string[] } {
  const today = dayOf(now);
  const first = Number(today.slice(0, 4)) * 12 + Number(today.slice(5, 7)) - 1;
  const months = Array.from({ length: MONTHS }, (_, back) => monthName(first - back));
  const days = Array.from({ length: DAYS }, (_, back) => dayOf(now - back * DAY_MS).replaceAll("-", ""));
  if (asked.length === 6 && !months.includes(asked)) {
    months.push(asked);
  }
  if (asked.length === 8 && !days.includes(asked)) {
    days.push(asked);
  }
  return { months, days };
}

function monthName(month: number): string {
  return `${Math.floor(month / 12)}${String((month % 12) + 1).padStart(2, "0")}`;
}

/** The period before this one: where to look when there is nothing in it. */
export function previous(name: string): string {
  if (name.length === 6) {
    return monthName(Number(name.slice(0, 4)) * 12 + Number(name.slice(4)) - 2);
  }
  const day = Date.parse(`${name.slice(0, 4)}-${name.slice(4, 6)}-${name.slice(6)}T00:00:00Z`) - DAY_MS;
  return new Date(day).toISOString().slice(0, 10).replaceAll("-", "");
}

/** `2026年6月` or `2026-06-30`. */
export function periodName(name: string, language: Language): string {
  return name.length === 8 ? `${name.slice(0, 4)}-${name.slice(4, 6)}-${name.slice(6)}` : period(name, language);
}

/** `▲8%`, `▼12%`, `=`; undefined where there is nothing to compare with. */
export function change(now: number, before: number | null | undefined): string | undefined {
  if (!before) {
    return undefined;
  }
  const percent = Math.round((100 * (now - before)) / before);
  return percent === 0 ? "=" : `${percent > 0 ? "▲" : "▼"}${Math.abs(percent).toLocaleString("en-US")}%`;
}

export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
