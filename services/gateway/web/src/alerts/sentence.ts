/** The one place where an alert becomes a sentence: what happened, against which baseline, until when. */

import {
  clock,
  daysUntil,
  duration,
  instant,
  money,
  monthOf,
  number,
  percent,
  shortDate,
  shortTime,
  UNKNOWN,
} from "@/format";
import { common, word } from "@/i18n";
import { type AlertFacts, numberOf, type ReasonFacts, type RuleFacts, type Telling, textOf } from "./facts";
import { figureName, figureText } from "./figures";
import { type Part, plain, type Wording, wording } from "./wording";

export * from "./facts";
export { type Part, plain } from "./wording";

/** Months a fall is measured against where the rule is not at hand: that of the seed `drop-30`. */
const MONTHS = 3;
const HOUR = 3600_000;

/** Why the alert was raised, with numbers; every further reason follows as "also". Never empty. */
export function sentence(alert: AlertFacts, telling: Telling): Part[] {
  const words = wording[telling.language];
  const [first, ...others] = reasonsOf(alert);
  return [
    ...reason(alert, first as ReasonFacts, telling, words),
    ...others.flatMap(other => [words.between, ...words.also(reason(alert, other, telling, words))]),
  ];
}

/** The same in the width of a table's column: the first reason alone, without baseline. */
export function brief(alert: AlertFacts, telling: Telling): Part[] {
  const words = wording[telling.language];
  const found = reasonsOf(alert)[0] as ReasonFacts;
  const { values } = found;
  switch (found.code) {
    case "bill_fall":
      return words.briefFall("bill", fallOf(alert, found, telling, "amount_fen", money));
    case "minutes_fall":
      return words.briefFall("minutes", fallOf(alert, found, telling, "voice_minutes", minutesIn(telling)));
    case "arrears":
      return words.briefDebt(money(numberOf(values, "amount_fen")), overdueOf(found, telling.now));
    case "complaint": {
      const opened = textOf(values, "opened_at");
      return words.briefComplaint(aboutOf(values, telling), opened && shortTime(opened, telling.now, telling.language));
    }
    case "contract": {
      const { days, ends, product } = contractOf(found, telling);
      return days > 0 ? words.briefContract({ days, ends, product }) : sentence(alert, telling);
    }
    default:
      return reason(alert, found, telling, words);
  }
}

/** Alerts always have reasons, but for one that was withdrawn: its own values stand for them. */
function reasonsOf(alert: AlertFacts): readonly ReasonFacts[] {
  const code = { arrears: "arrears", complaint_opened: "complaint", contract_expiring: "contract" }[alert.kind];
  return alert.reasons?.length
    ? alert.reasons
    : [{ rule: alert.rule, code: code ?? alert.rule.id, values: alert.values ?? {} }];
}

function reason(alert: AlertFacts, found: ReasonFacts, telling: Telling, words: Wording): Part[] {
  const { values } = found;
  const at = (name: string): string => shortTime(textOf(values, name), telling.now, telling.language);
  switch (found.code) {
    case "bill_fall":
      return words.fall("bill", fallOf(alert, found, telling, "amount_fen", money));
    case "minutes_fall":
      return words.fall("minutes", fallOf(alert, found, telling, "voice_minutes", minutesIn(telling)));
    case "stop_request":
      return words.stopRequest(at("stop_request_at"));
    case "port_query":
      return words.portQuery(at("port_query_at"));
    case "arrears":
      return debt(alert, found, telling, words);
    case "complaint":
      return complaint(alert, found, telling, words);
    case "contract":
      return words.contract(contractOf(found, telling));
    default:
      return byRule(found, telling, words);
  }
}

// --- churn ------------------------------------------------------------------------------------------------------

function fallOf(
  alert: AlertFacts,
  found: ReasonFacts,
  telling: Telling,
  figure: string,
  show: (value: number | undefined) => string,
): { month: string; value: string; mean: string; months: number; drop: string; line?: string } {
  const rule = telling.ruleOf?.(found.rule);
  const [value, sum] = [numberOf(found.values, figure), numberOf(found.values, `${figure}_base`)];
  const months = rule?.months ?? MONTHS;
  const mean = sum === undefined ? undefined : sum / months;
  // Never more than it is: 37.4 % lower is said as 37 %.
  const drop = value === undefined || !mean ? undefined : Math.floor((1 - value / mean) * 100) / 100;
  return {
    month: monthOf(alert.period, telling.language),
    value: show(value),
    mean: show(mean === undefined ? undefined : Math.round(mean)),
    months,
    drop: percent(drop),
    line: rule?.percent === undefined ? undefined : `−${100 - rule.percent}%`,
  };
}

function minutesIn({ language }: Telling): (value: number | undefined) => string {
  return value => (value === undefined ? UNKNOWN : `${number(value)} ${language === "zh" ? "分钟" : "min"}`);
}

// --- arrears ----------------------------------------------------------------------------------------------------

function overdueOf(found: ReasonFacts, now: number): number | undefined {
  const due = textOf(found.values, "oldest_due_on");
  const days = due === undefined ? undefined : -daysUntil(due, now);
  return days === undefined || Number.isNaN(days) ? numberOf(found.values, "days_overdue") : days;
}

function debt(alert: AlertFacts, found: ReasonFacts, telling: Telling, words: Wording): Part[] {
  const amount = money(numberOf(found.values, "amount_fen"));
  if (alert.stage === "suspended" || found.values.suspended === true) {
    return words.suspended(amount);
  }
  const names = common[telling.language].stage;
  const overdue = overdueOf(found, telling.now);
  const due = textOf(found.values, "oldest_due_on");
  const stage = alert.stage && alert.stage !== "opened" ? word(names, alert.stage) : undefined;
  const next =
    overdue === undefined ? undefined : telling.ruleOf?.(found.rule)?.stages?.find(step => step.after_days > overdue);
  return words.debt({
    amount,
    overdue,
    due: due && shortDate(due, telling.now, telling.language),
    stage,
    next: next && { days: next.after_days - (overdue as number), stage: word(names, next.stage) },
  });
}

// --- complaints -------------------------------------------------------------------------------------------------

function complaint(alert: AlertFacts, found: ReasonFacts, telling: Telling, words: Wording): Part[] {
  const { language, now } = telling;
  const opened = textOf(found.values, "opened_at");
  const due = alert.due_at ? instant(alert.due_at) : Number.NaN;
  const reopened = alert.stage === "reopened";
  const hours = opened && !reopened ? (due - instant(opened)) / HOUR : Number.NaN;
  const areas = areasOf(telling.ruleOf?.(found.rule), hours);
  const left = due - now;
  return words.complaint({
    category: aboutOf(found.values, telling),
    limit: Number.isInteger(hours) && hours > 0 ? hours : undefined,
    area: areas.length === 1 ? areas[0] : undefined,
    left: left > 0 ? duration(left, language) : undefined,
    over: left <= 0 ? duration(left, language) : undefined,
    reopened,
    opened: opened && shortTime(opened, now, language),
  });
}

/** What it is about, in words where BOSS gives a code. */
function aboutOf(values: ReasonFacts["values"], telling: Telling): string | undefined {
  const category = textOf(values, "category");
  return category && word(common[telling.language].complaintAbout, category);
}

/** Kinds of areas that have this limit; two with the same say nothing of where the customer lives. */
function areasOf(rule: RuleFacts | undefined, hours: number): ("urban" | "rural")[] {
  return (["urban", "rural"] as const).filter(area => rule?.due_hours?.[area] === hours);
}

// --- contracts --------------------------------------------------------------------------------------------------

function contractOf(
  found: ReasonFacts,
  { now, language }: Telling,
): { product: string; fee?: string; ends: string; days: number; renews?: boolean } {
  const { values } = found;
  const ends = textOf(values, "ends_on") ?? "";
  const [fee, days] = [numberOf(values, "monthly_fee_fen"), daysUntil(ends, now)];
  return {
    product: textOf(values, "product_code") ?? textOf(values, "contract_id") ?? "",
    fee: fee === undefined ? undefined : money(fee),
    ends: shortDate(ends, now, language),
    days: Number.isNaN(days) ? (numberOf(values, "days_left") ?? 0) : days,
    renews: typeof values.auto_renew === "boolean" ? values.auto_renew : undefined,
  };
}

// --- rules that staff write -------------------------------------------------------------------------------------

function byRule(found: ReasonFacts, { ruleOf, language }: Telling, words: Wording): Part[] {
  const rule = ruleOf?.(found.rule);
  const valued = ([name, value]: [string, unknown]): string =>
    typeof value === "boolean"
      ? figureText[language][value ? "yes" : "no"]
      : typeof value === "number" && name.replace(/_limit$/, "").endsWith("_fen")
        ? money(value)
        : String(value);
  const told = Object.entries(found.values).filter(([, value]) => value !== null);
  const shown = told
    .filter(([name]) => !name.endsWith("_id") && !name.endsWith("_limit"))
    .map(each => `${figureName(each[0], language)} ${valued(each)}`);
  const limits = told.filter(([name]) => name.endsWith("_limit")).map(valued);
  return words.rule({
    id: found.rule.id,
    version: found.rule.version,
    name: language === "zh" ? rule?.name_zh : rule?.name_en,
    values: shown.join(language === "zh" ? "，" : ", "),
    limit: limits.join(", ") || undefined,
  });
}

/** The time that is left as the card's corner shows it: `剩 9:20`, `超时 3:05`; undefined without a due time. */
export function deadline(
  dueAt: string | null | undefined,
  { now, language }: Telling,
): { text: string; isOver: boolean } | undefined {
  const left = dueAt ? instant(dueAt) - now : Number.NaN;
  if (Number.isNaN(left)) {
    return undefined;
  }
  const words = common[language].deadline;
  const shown = clock(left, language);
  return { text: left >= 0 ? words.left(shown) : words.over(shown), isOver: left < 0 };
}

/** The sentence for a screen reader, a copy or a notice. */
export function told(alert: AlertFacts, telling: Telling): string {
  return plain(sentence(alert, telling));
}
