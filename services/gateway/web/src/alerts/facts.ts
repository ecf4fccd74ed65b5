import type { Language } from "@/i18n/language";

/** What an alert says of itself, as the API and live messages have it. Kinds, codes and values are open sets. */
export interface AlertFacts {
  kind: string;
  state?: string;
  stage?: string | null;
  severity?: string;
  rule: RuleRef;
  period?: string | null;
  reasons?: readonly ReasonFacts[];
  values?: Values;
  due_at?: string | null;
  outcome?: string | null;
}

export interface ReasonFacts {
  rule: RuleRef;
  code: string;
  values: Values;
}

export interface RuleRef {
  id: string;
  version: number;
}

export type Values = Readonly<Record<string, unknown>>;

/** What the sentence wants to know of a version of a rule (`GET /v1/rules`). */
export interface RuleFacts {
  id: string;
  version: number;
  name_zh?: string;
  name_en?: string;
  percent?: number;
  months?: number;
  stages?: readonly { after_days: number; stage: string }[];
  due_hours?: Readonly<Record<string, number>>;
}

export interface Telling {
  language: Language;
  /** Business time in ms. */
  now: number;
  /** The version that raised the alert; without it the sentence leaves out what only the rule knows. */
  ruleOf?: (rule: RuleRef) => RuleFacts | undefined;
}

export function numberOf(values: Values, name: string): number | undefined {
  const value = values[name];
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

export function textOf(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The money an alert is about, in fen: the bill that fell, the debt, the monthly fee. */
export function amountOf(alert: AlertFacts): number | undefined {
  const values = alert.values ?? {};
  return numberOf(values, "amount_fen") ?? numberOf(values, "monthly_fee_fen");
}
