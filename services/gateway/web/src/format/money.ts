import type { Language } from "@/i18n/language";

/** What is not known is never shown as 0. */
export const UNKNOWN = "—";
const MINUS = "−";

/** `¥1,234.56` of integer fen; `−¥12.00`; unknown `—`. */
export function money(fen: number | null | undefined): string {
  if (fen === null || fen === undefined || !Number.isFinite(fen)) {
    return UNKNOWN;
  }
  const yuan = Math.floor(Math.abs(fen) / 100).toLocaleString("en-US");
  const rest = String(Math.abs(Math.trunc(fen)) % 100).padStart(2, "0");
  return `${fen < 0 ? MINUS : ""}¥${yuan}.${rest}`;
}

/** Round figures for axes: `12.3万`, `1.2亿` in Chinese, `123K`, `120M` in English. */
export function shortMoney(fen: number | null | undefined, language: Language): string {
  if (fen === null || fen === undefined || !Number.isFinite(fen)) {
    return UNKNOWN;
  }
  return `${fen < 0 ? MINUS : ""}¥${shortNumber(Math.abs(fen) / 100, language)}`;
}

export function shortNumber(value: number, language: Language): string {
  const format = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en", {
    notation: "compact",
    maximumFractionDigits: 1,
    useGrouping: true,
  });
  return format.format(value).replace("-", MINUS);
}

/** `1,234`; unknown `—`. */
export function number(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : value.toLocaleString("en-US").replace("-", MINUS);
}

/** A share as whole percent, `37%`; unknown `—`. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined || !Number.isFinite(share) ? UNKNOWN : `${Math.round(share * 100)}%`;
}
