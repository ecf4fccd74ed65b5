import { dayOf } from "@/format";

/** `2026-07-03`, and what people write for it: `20260703`, `2026/7/3`, `2026年7月3日`; `7-3` and `7月3日` of this year. */
const WHOLE = /^((?:19|20|21)\d{2})(?:(\d{2})(\d{2})|[-/.年](\d{1,2})[-/.月](\d{1,2})日?)$/;
const OF_THIS_YEAR = /^(\d{1,2})[-/.月](\d{1,2})日?$/;
/** Nothing can follow it: it is taken while one still writes. */
const COMPLETE = /^(\d{4}-\d{2}-\d{2}|\d{8}|.+月\d{1,2}日)$/;

/** Digits and signs as an input method gives them, `２０２６－７－３` or `2026。7。3`, as plain ones without blanks. */
function plain(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\s/g, "")
    .replace(/[。·]/g, ".")
    .replace(/[—–−、]/g, "-")
    .replace(/号$/, "日");
}

/** The day that was written, `yyyy-mm-dd`; undefined: none. `now`: business time, whose year is meant where none is said. */
export function dayTyped(text: string, now: number): string | undefined {
  const written = plain(text);
  const whole = WHOLE.exec(written);
  const short = OF_THIS_YEAR.exec(written);
  const [year, month, day] = whole
    ? [whole[1], whole[2] ?? whole[4], whole[3] ?? whole[5]]
    : [dayOf(now).slice(0, 4), short?.[1], short?.[2]];
  return year && month && day ? existing(`${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`) : undefined;
}

/** Whether what is written so far is a whole date that nobody would go on writing. */
export function isComplete(text: string): boolean {
  return COMPLETE.test(plain(text));
}

/** The date, where the calendar has it: there is no 31 June. */
function existing(date: string): string | undefined {
  const at = Date.parse(`${date}T00:00:00Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(date) ? date : undefined;
}

/** Days are days of the business zone and no instants: a `Date` carries one as its local year, month and day. */
export function asDate(day: string): Date {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  return new Date(year, month - 1, date);
}

export function asDay(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The day, or the nearest that may be chosen. Days as `yyyy-mm-dd`; without a bound any may be. */
export function bounded(day: string, min: string | undefined, max: string | undefined): string {
  return min && day < min ? min : max && day > max ? max : day;
}
