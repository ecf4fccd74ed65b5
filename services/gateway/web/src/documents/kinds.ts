import { type ComponentType, lazy } from "react";
import { common, type Language, word } from "@/i18n";
import { documentsText } from "./messages";
import type { Content, Version } from "./model";

/**
 * A kind of document on the page. What a row does not say every kind has: a list of its documents, their versions, their
 * differences, fields by their shape, the whole as text, activation, roll-back, stop. A new kind costs a row.
 */
export interface KindRow {
  /** As the routes call it: `/v1/rules`; of the page that is `/documents/rules`, unless `path` says otherwise. */
  kind: "rules" | "templates" | "policies" | "work-rules" | "calendars" | "customer-lists" | "brakes";
  path: string;
  /** What a document is called; without it its id. */
  nameOf?: (version: Version, language: Language) => string;
  /** Fields of its own. */
  Form?: ComponentType;
  /** What a version says, for who reads; without it its fields. */
  Reading?: ComponentType<{ version: Version }>;
  /** What else stands in the panel of one document. */
  Beside?: ComponentType<{ version: Version; versions: readonly Version[] }>;
  /** With what a new one begins; absent: none can be made. */
  blank?: Content;
  /** Only who may change it may see it. */
  isForEditors?: boolean;
  /** Whether a version must have been tried before it may be activated. */
  needsTrial?: (version: Version) => boolean;
}

const named = (version: Version, language: Language): string =>
  String((language === "zh" ? version.name_zh : version.name_en) ?? version.id);

/** A text is known by when it is sent: `欠费预警 · 最后通知`. */
function sentAt(version: Version, language: Language): string {
  const words = common[language];
  const [kind, step] = [String(version.kind), String(version.step)];
  return kind === "manual"
    ? documentsText[language].byHand
    : kind === step
      ? version.id
      : `${word(words.kindLong, kind)} · ${word({ ...words.outcome, ...words.stage }, step)}`;
}

/** Of these there is one, known by what it is. */
const theOnly =
  (kind: "policies" | "work-rules" | "brakes") =>
  (_: Version, language: Language): string =>
    documentsText[language].kinds[kind];

/** Hours of a day that is worked, before anybody says others. */
const WORKED = "08:30-18:00";

/** Types of rules that a trial can judge. */
export const TRIED_TYPES: readonly unknown[] = ["fall", "request", "condition"];

export const KINDS: readonly KindRow[] = [
  {
    kind: "rules",
    path: "/rules",
    nameOf: named,
    Form: lazy(() => import("@/rules/RuleForm")),
    Reading: lazy(() => import("@/rules/RuleReading")),
    Beside: lazy(() => import("@/rules/RuleBeside")),
    blank: {
      type: "condition",
      alert: "churn_warning",
      name_zh: "",
      name_en: "",
      severity: "major",
      on: [],
      when: { all: [] },
      late_after_days: 60,
    },
    needsTrial: version => TRIED_TYPES.includes(version.type),
  },
  {
    kind: "templates",
    path: "/documents/templates",
    nameOf: sentAt,
    Form: lazy(() => import("@/texts/TemplateForm")),
    Reading: lazy(() => import("@/texts/TemplateReading")),
    Beside: lazy(() => import("@/texts/TestSms")),
    blank: { kind: "arrears", step: "reminder", priority: 40, zh: "【大客户中心】", en: "" },
  },
  {
    kind: "policies",
    path: "/documents/policies",
    nameOf: theOnly("policies"),
    Beside: lazy(() => import("@/texts/Budgets")),
  },
  {
    kind: "calendars",
    path: "/documents/calendars",
    nameOf: named,
    blank: {
      name_zh: "",
      name_en: "",
      kinds: [],
      weekdays: { mon: [WORKED], tue: [WORKED], wed: [WORKED], thu: [WORKED], fri: [WORKED] },
      make_up: [WORKED],
      holidays: "china",
    },
  },
  {
    kind: "customer-lists",
    path: "/documents/customer-lists",
    nameOf: named,
    Form: lazy(() => import("@/customerlists/ListForm")),
    Reading: lazy(() => import("@/customerlists/ListReading")),
    blank: { name_zh: "", name_en: "", purpose: "exclusion", customers: [] },
    isForEditors: true,
  },
  { kind: "work-rules", path: "/documents/work-rules", nameOf: theOnly("work-rules") },
  { kind: "brakes", path: "/documents/brakes", nameOf: theOnly("brakes") },
];

export const rowOf = (kind: string): KindRow | undefined => KINDS.find(row => row.kind === kind);
