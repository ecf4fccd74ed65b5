import { figureName } from "@/alerts/figures";
import { aside, type Part, plain, say } from "@/alerts/wording";
import { common, type Language, word } from "@/i18n";
import { count } from "@/i18n/language";
import { rulesText } from "./messages";

export type State = "draft" | "scheduled" | "shadow" | "active" | "retired" | "stopped";

/** What was done with a version: `at` null: from the beginning, or it waits for its day. */
export interface Switch {
  state: "active" | "shadow" | "stopped";
  by: string;
  why: string;
  number: number | null;
  at: string | null;
  on: string | null;
}

/** A version of a rule document; each type has fields of its own. */
export interface Rule {
  id: string;
  version: number;
  state: State;
  type: string;
  name_zh: string;
  name_en: string;
  author: string;
  why: string;
  created_at: string;
  /** An instant, or the day from which on it will be in force; null: from the beginning, or never yet. */
  active_from: string | null;
  switches: readonly Switch[];
  [field: string]: unknown;
}

export interface Parameter {
  field: string;
  label: string;
  value: string;
}

/** What is known of a version besides its document. */
const ABOUT = [
  "id",
  "version",
  "state",
  "alert",
  "author",
  "why",
  "created_at",
  "active_from",
  "tried",
  "switches",
  "document",
];
/** What a table does not say again: it stands above it. */
const HEAD = [...ABOUT, "type", "name_zh", "name_en"];

/** When a rule raises, in one sentence; of a type that is not known here, its name. */
export function ruleSentence(rule: Rule, language: Language): Part[] {
  const t = rulesText[language];
  const words = common[language];
  const zh = language === "zh";
  switch (rule.type) {
    case "fall": {
      const figures = array(rule.metrics).map(metric => word(t.figures, text(object(metric).figure)));
      const [what, percent, months, least] = [
        figures.join(zh ? " 或 " : " or "),
        rule.percent,
        rule.months,
        rule.min_months_in_network,
      ];
      return zh
        ? say`当 ${what} ≤ 前 ${n(months)} 个月均值的 ${n(percent)}%，且在网 ≥ ${n(least)} 个月${aside(excluded(rule, t))}。`
        : say`When ${what} ≤ ${n(percent)}% of the mean of the ${n(months)} months before, and ≥ ${n(least)} months in the network${aside(excluded(rule, t))}.`;
    }
    case "request":
      return zh
        ? say`当客户 ${word(t.requests, text(rule.request))}，${n(rule.late_after_days)} 天内有效。`
        : say`When the customer ${word(t.requests, text(rule.request))}; good for ${n(rule.late_after_days)} days.`;
    case "arrears": {
      const stages = array(rule.stages).map(object);
      const told = stages.map(stage =>
        zh
          ? `逾期 ${n(stage.after_days)} 天${word(words.stage, text(stage.stage))}`
          : `${word(words.stage, text(stage.stage))} ${count(Number(stage.after_days), "day")} late`,
      );
      return zh ? say`当客户欠费：${told.join("，")}。` : say`When a customer owes money: ${told.join(", ")}.`;
    }
    case "complaint": {
      const hours = object(rule.due_hours);
      const told = Object.entries(hours).map(([area, limit]) => `${word(t.areas, area)} ${n(limit)} ${t.hours}`);
      return zh
        ? say`当客户投诉：时限 ${told.join("、")}，用去 ${n(rule.due_soon_percent)}% 时提醒。`
        : say`When a customer complains: ${told.join(", ")}; a reminder at ${n(rule.due_soon_percent)}% of the time.`;
    }
    case "contract": {
      const steps = array(rule.steps)
        .map(n)
        .join(zh ? "、" : ", ");
      return zh ? say`当合约还剩 ${steps} 天到期。` : say`When a contract ends in ${steps} days.`;
    }
    // The parameters say what it asks for; a condition of staff may be as deep as they like.
    default:
      return [zh ? rule.name_zh : rule.name_en];
  }
}

function excluded(rule: Rule, t: (typeof rulesText)["zh"] | (typeof rulesText)["en"]): string {
  const [plans, customers] = [array(rule.excluded_plan_codes).length, array(rule.excluded_customers).length];
  return plans + customers === 0 ? "" : t.excludes(plans, customers);
}

/** Every parameter of a version, labelled. */
export function parameters(rule: Rule, language: Language): Parameter[] {
  const t = rulesText[language];
  return Object.keys(rule)
    .filter(field => !HEAD.includes(field))
    .map(field => ({ field, label: word(t.fields, field), value: shown(rule[field], language, rule.type) }));
}

/** What one version says otherwise than another, a sentence each: `比例（%） 70 → 65`. */
export function differences(from: Rule, to: Rule, language: Language): Parameter[] {
  const t = rulesText[language];
  const fields = [...new Set([...Object.keys(from), ...Object.keys(to)])].filter(field => !ABOUT.includes(field));
  return fields.flatMap(field => {
    const [before, after] = [from, to].map(rule => shown(rule[field], language, rule.type));
    return before === after ? [] : [{ field, label: word(t.fields, field), value: `${before} → ${after}` }];
  });
}

/** A value of a document for people: words where there are some, never JSON. */
export function shown(value: unknown, language: Language, type?: unknown): string {
  const t = rulesText[language];
  const words: Readonly<Record<string, string>> = {
    ...common[language].severity,
    ...common[language].stage,
    ...(type === "arrears" ? common[language].arrearsStage : {}),
    ...common[language].customerStatus,
    ...t.figures,
    ...t.areas,
  };
  const comma = language === "zh" ? "、" : ", ";
  if (value === undefined || value === null) {
    return "—";
  }
  if (Array.isArray(value)) {
    return value.length ? value.map(each => shown(each, language, type)).join(comma) : t.none;
  }
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, each]) => `${word(t.fields, word(words, name))} ${shown(each, language, type)}`)
      .join(language === "zh" ? "，" : "; ");
  }
  return typeof value === "string" ? figureName(word(words, value), language) : String(value);
}

export const sentenceText = (rule: Rule, language: Language): string => plain(ruleSentence(rule, language));

const n = (value: unknown): string => (typeof value === "number" ? String(value) : "—");
const text = (value: unknown): string => (typeof value === "string" ? value : "—");
const array = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const object = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};

export interface Versions {
  id: string;
  /** First the one that is in force, or was until it was stopped; then newest first. */
  versions: [Rule, ...Rule[]];
}

const decides = (rule: Rule): boolean => rule.state === "active" || rule.state === "stopped";

/** The documents by rule. */
export function byRule(documents: readonly Rule[]): Versions[] {
  const found = new Map<string, Rule[]>();
  for (const rule of documents) {
    found.set(rule.id, [...(found.get(rule.id) ?? []), rule]);
  }
  return [...found].map(([id, versions]) => ({
    id,
    versions: versions.sort(
      (one, other) => Number(decides(other)) - Number(decides(one)) || other.version - one.version,
    ) as [Rule, ...Rule[]],
  }));
}
