import type { Language } from "@/i18n/language";

const FORMAT = new Intl.DateTimeFormat("zh-u-ca-chinese", {
  timeZone: "UTC",
  year: "numeric",
  month: "numeric",
  day: "numeric",
});
const TENS = ["初", "十", "廿", "三"];
const ONES = ["十", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
const MONTHS = ["正月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "腊月"];

export interface Lunar {
  /** `闰六月` */
  month: string;
  /** 1 to 12 */
  number: number;
  isLeap: boolean;
  day: number;
}

/** The lunar date of a day `yyyy-mm-dd`; undefined where the browser has no such calendar. */
export function lunarOf(date: string): Lunar | undefined {
  const parts = new Map(FORMAT.formatToParts(Date.parse(`${date}T00:00:00Z`)).map(part => [part.type, part.value]));
  const month = parts.get("month") ?? "";
  const isLeap = month.startsWith("闰");
  const number = MONTHS.indexOf(isLeap ? month.slice(1) : month) + 1;
  const day = Number(parts.get("day"));
  return number && day >= 1 && day <= 30 ? { month, number, isLeap, day } : undefined;
}

/** `初三`, `初十`, `廿九`, `三十`: the language has no rule for them that `Intl` knew. */
export function lunarDay(day: number): string {
  if (day === 10 || day === 20 || day === 30) {
    return ["初十", "二十", "三十"][day / 10 - 1] as string;
  }
  return `${TENS[Math.floor(day / 10)]}${ONES[day % 10]}`;
}

/** What stands under a day of a calendar: the day, or on the first of a month the month. */
export function lunarCell({ month, day }: Lunar): string {
  return day === 1 ? month : lunarDay(day);
}

/** `农历六月初三` / `Lunar 6/3`, `Lunar leap 6/3`. */
export function lunarText(lunar: Lunar, language: Language): string {
  return language === "zh"
    ? `农历${lunar.month}${lunarDay(lunar.day)}`
    : `Lunar ${lunar.isLeap ? "leap " : ""}${lunar.number}/${lunar.day}`;
}
