import type { Schema } from "@/api/client";
import { at, joined, withAt, withEntry } from "@/documents/paths";
import type { Language } from "@/i18n";
import { conditionText } from "./messages";

export type Figure = Schema<"FigureView">;

/** Bounds of the server's reader: nodes above one another with the leaf, and leaves in all. */
export const [DEEPEST, MOST_LEAVES] = [6, 50];

export type GroupKind = "all" | "any";
export interface Leaf {
  figure: string;
  op?: string;
  value?: unknown;
  for_months?: number;
  falls_percent?: number;
  rises_percent?: number;
  months?: number;
}
export type Kind = GroupKind | "not" | "leaf" | "other";

/** What a node of the tree is; `other`: nothing that is known here, to be changed as text. */
export function kindOf(node: unknown): Kind {
  if (typeof node !== "object" || node === null) {
    return "other";
  }
  const found = (["all", "any", "not"] as const).filter(name => name in node);
  return "figure" in node ? (found.length ? "other" : "leaf") : found.length === 1 ? (found[0] as Kind) : "other";
}

/** The nodes of a group, and the place of the list. */
export function nodesOf(node: unknown, path: string): { list: string; nodes: readonly unknown[] } {
  const kind = kindOf(node) as GroupKind;
  const nodes = (node as Record<string, unknown>)[kind];
  return { list: joined(path, kind), nodes: Array.isArray(nodes) ? nodes : [] };
}

export function depthOf(node: unknown): number {
  const below = childrenOf(node);
  return 1 + Math.max(0, ...below.map(depthOf));
}

export function leavesOf(node: unknown): Leaf[] {
  return kindOf(node) === "leaf" ? [node as Leaf] : childrenOf(node).flatMap(leavesOf);
}

function childrenOf(node: unknown): readonly unknown[] {
  const kind = kindOf(node);
  return kind === "not"
    ? [(node as { not: unknown }).not]
    : kind === "all" || kind === "any"
      ? nodesOf(node, "").nodes
      : [];
}

/** How deep a place of the tree is: 1 for the root. */
export const levelOf = (path: string): number => 1 + [...path.matchAll(/\.(not|all\[\d+\]|any\[\d+\])/g)].length;

/** Before anything is said of a figure. */
export const newLeaf = (): Leaf => ({ figure: "", op: "<=", value: undefined });

/** With one more condition, or a group with one, at the end of a group. */
export function withNode<T>(document: T, list: string, kind: GroupKind | "leaf"): T {
  return withEntry(document, list, kind === "leaf" ? newLeaf() : { [kind]: [newLeaf()] });
}

/** The same conditions, of which all or one must hold. */
export function withGroup<T>(document: T, path: string, kind: GroupKind): T {
  return withAt(document, path, { [kind]: nodesOf(at(document, path), path).nodes });
}

/** With a `not` around a node, or without the one that is around it. */
export function withNot<T>(document: T, path: string): T {
  const node = at(document, path);
  return withAt(document, path, kindOf(node) === "not" ? (node as { not: unknown }).not : { not: node });
}

/** Without a node; with the `not` around it. */
export function withoutNode<T>(document: T, path: string): T {
  return withAt(document, path.replace(/(\.not)+$/, ""), undefined);
}

/** How a leaf compares: an operator, or a fall or rise against the months before. */
export const comparisonOf = (leaf: Leaf): string =>
  "falls_percent" in leaf ? "falls" : "rises_percent" in leaf ? "rises" : String(leaf.op ?? "");

export function comparisonsOf(figure: Figure | undefined): string[] {
  return figure ? [...figure.ops, ...(figure.monthly ? ["falls", "rises"] : [])] : ["<", "<=", "=", "!=", ">=", ">"];
}

/** The leaf with another comparison; what still makes sense of it stays. */
export function compared(leaf: Leaf, by: string): Leaf {
  const { figure } = leaf;
  if (by === "falls" || by === "rises") {
    const percent = leaf.falls_percent ?? leaf.rises_percent ?? 30;
    return { figure, [`${by}_percent`]: percent, months: leaf.months ?? 3 };
  }
  if (by === "known") {
    return { figure, op: by };
  }
  const value = by === "in" ? many(leaf.value) : one(leaf.value);
  return { figure, op: by, value, ...(leaf.for_months === undefined ? {} : { for_months: leaf.for_months }) };
}

const many = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const one = (value: unknown): unknown => (Array.isArray(value) ? value[0] : value);

/** The leaf of another figure: what can't be asked of that one is left out. */
export function ofFigure(leaf: Leaf, figure: Figure, before: Figure | undefined): Leaf {
  const by = comparisonOf(leaf);
  const fitting = comparisonsOf(figure).includes(by) ? by : figure.type === "int" ? "<=" : "=";
  const next = { ...compared(leaf, fitting), figure: figure.name };
  if (!("value" in next)) {
    return next;
  }
  const isAlike = before?.type === figure.type && before.unit === figure.unit && !figure.values.length;
  const value = isAlike ? next.value : figure.type === "bool" ? true : fitting === "in" ? [] : undefined;
  const { for_months, ...rest } = next;
  return { ...rest, value, ...(figure.monthly && for_months !== undefined ? { for_months } : {}) };
}

/** Records that bring the figures of a condition. */
export function recordsOf(node: unknown, figures: readonly Figure[]): string[] {
  const found = leavesOf(node).map(leaf => figures.find(each => each.name === leaf.figure)?.record);
  return [...new Set(found.filter(record => typeof record === "string"))].sort();
}

const SIGNS: Readonly<Record<string, string>> = { "<": "<", "<=": "≤", "=": "=", "!=": "≠", ">=": "≥", ">": ">" };

/** What a comparison is called where it is chosen. */
export function comparisonName(by: string, language: Language): string {
  return (
    SIGNS[by] ?? conditionText[language].comparisons[by as keyof (typeof conditionText)["zh"]["comparisons"]] ?? by
  );
}

/** A leaf as a sentence: `活跃天数 ≤ 3 天`. */
export function leafText(leaf: Leaf, figures: readonly Figure[], language: Language): string {
  const figure = figures.find(each => each.name === leaf.figure);
  const name = figure?.[language] ?? leaf.figure;
  const t = conditionText[language];
  const by = comparisonOf(leaf);
  if (by === "known") {
    return t.known(name);
  }
  if (by === "falls" || by === "rises") {
    return t[by](name, Number(leaf.falls_percent ?? leaf.rises_percent), Number(leaf.months));
  }
  const said = Array.isArray(leaf.value)
    ? t.oneOf(
        name,
        leaf.value.slice(0, NAMED).map(each => valueText(each, figure, language)),
        leaf.value.length,
      )
    : `${name} ${SIGNS[by] ?? by} ${valueText(leaf.value, figure, language)}`;
  return leaf.for_months !== undefined && leaf.for_months > 1 ? t.inARow(said, leaf.for_months) : said;
}

/** A whole tree in one line, for lists: `活跃天数 ≤ 3 天，且通话分钟较…`. */
export function treeText(node: unknown, figures: readonly Figure[], language: Language): string {
  const t = conditionText[language];
  const kind = kindOf(node);
  switch (kind) {
    case "all":
    case "any": {
      const parts = nodesOf(node, "").nodes.map(each => {
        const said = treeText(each, figures, language);
        return kindOf(each) === "all" || kindOf(each) === "any" ? t.bracket(said) : said;
      });
      return parts.join(t.between[kind]);
    }
    case "not":
      return `${t.not}${t.bracket(treeText((node as { not: unknown }).not, figures, language))}`;
    case "leaf":
      return leafText(node as Leaf, figures, language);
    default:
      return t.open;
  }
}

const NAMED = 5;

/** A value of a figure with its unit, money in yuan. */
export function valueText(value: unknown, figure: Figure | undefined, language: Language): string {
  const t = conditionText[language];
  if (value === undefined || value === null) {
    return t.open;
  }
  if (typeof value === "boolean") {
    return value ? t.yes : t.no;
  }
  if (typeof value === "number" && figure?.unit === "fen") {
    return `¥${(value / 100).toFixed(2)}`;
  }
  const known = figure?.values.find(each => each.code === value);
  const unit = typeof value === "number" ? figure?.[language === "zh" ? "unit_zh" : "unit_en"] : "";
  return known?.[language] ?? `${value}${unit ? ` ${unit}` : ""}`;
}
