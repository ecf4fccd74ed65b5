import { count, type Language } from "@/i18n/language";
import { UNKNOWN } from "./money";

/** Business is done in China: everybody reads the same clock, wherever the browser stands. */
export const ZONE = "Asia/Shanghai";
const OFFSET_MS = 8 * 3600_000;
const MINUTE = 60_000;
const HOUR = 3600_000;
const DAY = 86_400_000;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export type Instant = string | number | Date;

interface Local {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  weekday: number;
  /** Days since 1970 in the business zone. */
  date: number;
}

/** Parts of an instant in the business zone (which has had no summer time since 1991); undefined where it is none. */
function local(at: Instant): Local | undefined {
  const ms = at instanceof Date ? at.getTime() : typeof at === "number" ? at : Date.parse(at);
  if (!Number.isFinite(ms)) {
    return undefined;
  }
  const shifted = new Date(ms + OFFSET_MS);
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
    hour: shifted.getUTCHours(),
    minute: shifted.getUTCMinutes(),
    second: shifted.getUTCSeconds(),
    weekday: shifted.getUTCDay(),
    date: Math.floor((ms + OFFSET_MS) / DAY),
  };
}

const two = (n: number): string => String(n).padStart(2, "0");

/** Milliseconds since 1970; NaN where it is no instant. */
export function instant(at: Instant): number {
  return at instanceof Date ? at.getTime() : typeof at === "number" ? at : Date.parse(at);
}

/** `刚刚`, `3 分钟前`, `14:05`, `昨天 14:05`, `06-21 14:05`, `2025-06-21`. */
export function ago(at: Instant | null | undefined, now: number, language: Language): string {
  const there = at === null || at === undefined ? undefined : local(at);
  const here = local(now);
  if (!there || !here) {
    return UNKNOWN;
  }
  const past = now - instant(at as Instant);
  const zh = language === "zh";
  if (past >= 0 && past < MINUTE) {
    return zh ? "刚刚" : "just now";
  }
  if (past >= 0 && past < HOUR) {
    const minutes = Math.floor(past / MINUTE);
    return zh ? `${minutes} 分钟前` : `${minutes} min ago`;
  }
  return dayAndTime(there, here, language);
}

/** `14:05` of today, else the day with it: `昨天 14:05`, `明天 14:05`, `06-21 14:05`; of another year the date alone. */
export function shortTime(at: Instant | null | undefined, now: number, language: Language): string {
  const there = at === null || at === undefined ? undefined : local(at);
  const here = local(now);
  return there && here ? dayAndTime(there, here, language) : UNKNOWN;
}

function dayAndTime(there: Local, here: Local, language: Language): string {
  const zh = language === "zh";
  const time = `${two(there.hour)}:${two(there.minute)}`;
  const days = there.date - here.date;
  if (days === 0) {
    return time;
  }
  if (days === -1) {
    return zh ? `昨天 ${time}` : `yesterday ${time}`;
  }
  if (days === 1) {
    return zh ? `明天 ${time}` : `tomorrow ${time}`;
  }
  if (there.year !== here.year) {
    return `${there.year}-${two(there.month)}-${two(there.day)}`;
  }
  return zh ? `${two(there.month)}-${two(there.day)} ${time}` : `${there.day} ${MONTHS[there.month - 1]} ${time}`;
}

/** The whole of it, for hovering: `2026-06-30 14:05:09 +08:00`. */
export function exact(at: Instant | null | undefined): string {
  const there = at === null || at === undefined ? undefined : local(at);
  return there ? `${isoDate(there)} ${two(there.hour)}:${two(there.minute)}:${two(there.second)} +08:00` : UNKNOWN;
}

/** `09:42:05`. */
export function timeOfDay(at: Instant | null | undefined): string {
  const there = at === null || at === undefined ? undefined : local(at);
  return there ? `${two(there.hour)}:${two(there.minute)}:${two(there.second)}` : UNKNOWN;
}

function isoDate(there: Local): string {
  return `${String(there.year).padStart(4, "0")}-${two(there.month)}-${two(there.day)}`;
}

/** The business day of an instant, `2026-06-30`. */
export function dayOf(at: Instant): string {
  const there = local(at);
  return there ? isoDate(there) : UNKNOWN;
}

/** `7月7日` / `7 Jul` of `yyyy-mm-dd`, with the year where it is not the year of `now`. */
export function shortDate(date: string | null | undefined, now: number, language: Language): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(date ?? "");
  if (!match) {
    return UNKNOWN;
  }
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const same = local(now)?.year === year;
  if (language === "zh") {
    return `${same ? "" : `${year}年`}${month}月${day}日`;
  }
  return `${day} ${MONTHS[month - 1]}${same ? "" : ` ${year}`}`;
}

/** `6月30日 周二` / `Tue 30 Jun`. */
export function longDay(at: Instant, language: Language): string {
  const there = local(at);
  if (!there) {
    return UNKNOWN;
  }
  return language === "zh"
    ? `${there.month}月${there.day}日 周${"日一二三四五六"[there.weekday]}`
    : `${["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][there.weekday]} ${there.day} ${MONTHS[there.month - 1]}`;
}

/** `2026年6月` / `Jun 2026` of `yyyymm`. */
export function period(of: string | null | undefined, language: Language): string {
  const match = /^(\d{4})(\d{2})$/.exec(of ?? "");
  const month = Number(match?.[2]);
  if (!match || month < 1 || month > 12) {
    return UNKNOWN;
  }
  return language === "zh" ? `${match[1]}年${month}月` : `${MONTHS[month - 1]} ${match[1]}`;
}

/** `6月` / `June` of `yyyymm`, where the year goes without saying. */
export function monthOf(of: string | null | undefined, language: Language): string {
  const month = Number(/^\d{4}(\d{2})$/.exec(of ?? "")?.[1]);
  if (!(month >= 1 && month <= 12)) {
    return UNKNOWN;
  }
  return language === "zh"
    ? `${month}月`
    : new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" }).format(Date.UTC(2000, month - 1));
}

/** Whole days from the business day of `now` to `date` (`yyyy-mm-dd`); negative when it is past; NaN for no date. */
export function daysUntil(date: string, now: number): number {
  return Math.floor(Date.parse(`${date.slice(0, 10)}T00:00:00Z`) / DAY) - (local(now)?.date ?? Number.NaN);
}

/** A clock as short as can be: `3 天 4 小时`, `9:20` (hours and minutes). Takes the absolute value. */
export function clock(ms: number, language: Language): string {
  const minutes = Math.floor(Math.abs(ms) / MINUTE);
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  if (days === 0) {
    return `${hours}:${two(minutes % 60)}`;
  }
  if (language === "zh") {
    return hours === 0 ? `${days} 天` : `${days} 天 ${hours} 小时`;
  }
  return hours === 0 ? count(days, "day") : `${count(days, "day")} ${hours} h`;
}

/** In words, for a sentence: `9 小时 20 分` / `9 h 20 min`; from two days on, days and hours. */
export function duration(ms: number, language: Language): string {
  const minutes = Math.floor(Math.abs(ms) / MINUTE);
  const zh = language === "zh";
  if (minutes >= 2880) {
    return clock(ms, language);
  }
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) {
    return zh ? `${rest} 分钟` : `${rest} min`;
  }
  if (rest === 0) {
    return zh ? `${hours} 小时` : `${hours} h`;
  }
  return zh ? `${hours} 小时 ${rest} 分` : `${hours} h ${rest} min`;
}

/** How far behind: `8 秒`, `6 分钟`, `2 小时`. */
export function lag(seconds: number, language: Language): string {
  const zh = language === "zh";
  if (seconds < 90) {
    return zh ? `${Math.round(seconds)} 秒` : `${Math.round(seconds)} s`;
  }
  if (seconds < 5400) {
    return zh ? `${Math.round(seconds / 60)} 分钟` : `${Math.round(seconds / 60)} min`;
  }
  const hours = Math.round(seconds / 3600);
  return zh ? `${hours} 小时` : `${hours} h`;
}

/** How long something took: `不到 0.1 秒`, `0.3 秒`, `12 秒`, `6 分钟`, `2 小时`, `3 天`. */
export function span(ms: number, language: Language): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 0.05) {
    return language === "zh" ? "不到 0.1 秒" : "<0.1 s";
  }
  if (seconds < 10) {
    return `${seconds.toFixed(1)} ${language === "zh" ? "秒" : "s"}`;
  }
  const days = Math.round(seconds / 86_400);
  if (seconds < 172_800) {
    return lag(seconds, language);
  }
  return language === "zh" ? `${days} 天` : count(days, "day");
}
