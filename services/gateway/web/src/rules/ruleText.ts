import { aside, type Part, plain, say } from "@/alerts/wording";
import type { Version } from "@/documents/model";
import { common, type Language, word } from "@/i18n";
import { count } from "@/i18n/language";
import { type Figure, treeText } from "./condition";
import { rulesText } from "./ruleMessages";

/** A version of a rule document; each type has fields of its own. */
export type Rule = Version & { type: string; name_zh: string; name_en: string };

/** When a rule raises, in one sentence; of a type that is not known here, its name. */
export function ruleSentence(rule: Rule, language: Language, figures?: readonly Figure[]): Part[] {
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
    case "condition":
      if (figures) {
        const asked = treeText(rule.when, figures, language);
        return zh ? say`当 ${asked}。` : say`When ${asked}.`;
      }
      return [zh ? rule.name_zh : rule.name_en];
    default:
      return [zh ? rule.name_zh : rule.name_en];
  }
}

function excluded(rule: Rule, t: (typeof rulesText)["zh"] | (typeof rulesText)["en"]): string {
  const [plans, customers] = [array(rule.excluded_plan_codes).length, array(rule.excluded_customers).length];
  return plans + customers === 0 ? "" : t.excludes(plans, customers);
}

export const sentenceText = (rule: Rule, language: Language, figures?: readonly Figure[]): string =>
  plain(ruleSentence(rule, language, figures));

const n = (value: unknown): string => (typeof value === "number" ? String(value) : "—");
const text = (value: unknown): string => (typeof value === "string" ? value : "—");
const array = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const object = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
