import type { Schema } from "@/api/client";
import { period } from "@/format";
import type { Language } from "@/i18n";

export type ChainLink = Schema<"LinkView">;

/** Where a fact stands in the picture: causes to the left, what came of them to the right. */
export interface Placed {
  link: ChainLink;
  column: number;
  row: number;
  /** The fact that caused it, where that is part of the chain. */
  cause?: ChainLink;
  /** Time in ms since its cause; absent where one of both has no time. */
  after?: number;
  /** Id of the alert whose evidence it is, where it is not the cause of it. */
  evidenceOf?: string;
  /** Of the head of a group: the facts of one kind that stand behind it. */
  members?: ChainLink[];
}

interface Tree {
  links: ChainLink[];
  /** The event that it comes to, where BOSS alone speaks in it. */
  event?: ChainLink;
}

/** A group has at least so many facts. */
const FEWEST = 2;
/** Where the events of BOSS stand, behind their records; heads of groups too. */
const EVENT_COLUMN = 1;

/**
 * The chain as trees: a fact stands one column behind its cause; the first that came of a fact stays in its row, each further
 * one opens a new row below. Facts whose cause is not part of the chain, or that would be their own cause, begin anew
 * at the left. Trees that lead to an alert come first; facts of BOSS that are only evidence come behind them, those of
 * one kind under one head, shown where `isOpen` says so.
 */
export function layout(
  chain: readonly ChainLink[],
  isOpen: (group: string, members: readonly ChainLink[]) => boolean = () => false,
): Placed[] {
  const trees = treesOf(chain);
  const evidence = evidenceOf(chain);
  const groups = groupsOf(trees, evidence);
  const placed: Placed[] = [];
  let rows = 0;
  const place = ({ links }: Tree): void => {
    const found = placeTree(links, rows);
    rows = Math.max(rows, ...found.map(({ row }) => row + 1));
    placed.push(...found.map(each => withEvidence(each, evidence)));
  };
  for (const tree of trees.filter(each => !each.event)) {
    place(tree);
  }
  for (const [name, ofGroup] of groups) {
    const members = ofGroup.map(tree => tree.event as ChainLink);
    const [first] = members as [ChainLink];
    if (ofGroup.length < FEWEST) {
      ofGroup.forEach(place);
      continue;
    }
    const link: ChainLink = { ...first, id: name, at: "", caused_by: null, summary_zh: "", summary_en: "", detail: {} };
    placed.push({ link, column: EVENT_COLUMN, row: rows, members, evidenceOf: evidence.get(first.id) });
    rows += 1;
    if (isOpen(name, members)) {
      ofGroup.forEach(place);
    }
  }
  return placed;
}

function placeTree(links: readonly ChainLink[], top: number): Placed[] {
  const places = new Map<string, Placed>();
  const firstTaken = new Set<string>();
  let rows = top;
  for (const link of links) {
    const cause = link.caused_by === null ? undefined : places.get(link.caused_by);
    const staysInRow = cause !== undefined && !firstTaken.has(cause.link.id);
    const row = staysInRow ? cause.row : rows;
    rows = Math.max(rows, row + 1);
    if (cause) {
      firstTaken.add(cause.link.id);
    }
    places.set(link.id, {
      link,
      column: cause ? cause.column + 1 : 0,
      row,
      cause: cause?.link,
      after: cause && timeBetween(cause.link, link),
    });
  }
  return [...places.values()];
}

function treesOf(chain: readonly ChainLink[]): Tree[] {
  const treeOf = new Map<string, Tree>();
  const trees: Tree[] = [];
  for (const link of chain) {
    let tree = link.caused_by === null ? undefined : treeOf.get(link.caused_by);
    if (!tree) {
      tree = { links: [] };
      trees.push(tree);
    }
    tree.links.push(link);
    treeOf.set(link.id, tree);
  }
  for (const tree of trees) {
    if (tree.links.every(({ type }) => sortOf(type) === "boss")) {
      tree.event = tree.links.at(-1);
    }
  }
  return trees;
}

/** Of which alert a fact is evidence, by its id: of the first that says so. */
function evidenceOf(chain: readonly ChainLink[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const { id, detail, caused_by } of chain) {
    for (const fact of Array.isArray(detail.evidence) ? detail.evidence : []) {
      if (typeof fact === "string" && fact !== caused_by && !found.has(fact)) {
        found.set(fact, id);
      }
    }
  }
  return found;
}

/** Trees in which BOSS alone speaks, by kind and by the alert they are evidence of. */
function groupsOf(trees: readonly Tree[], evidence: ReadonlyMap<string, string>): Map<string, Tree[]> {
  const groups = new Map<string, Tree[]>();
  for (const tree of trees) {
    if (tree.event) {
      const name = `${tree.event.type}/${evidence.get(tree.event.id) ?? ""}`;
      groups.set(name, [...(groups.get(name) ?? []), tree]);
    }
  }
  return groups;
}

function withEvidence(placed: Placed, evidence: ReadonlyMap<string, string>): Placed {
  const alert = evidence.get(placed.link.id);
  return alert === undefined ? placed : { ...placed, evidenceOf: alert };
}

/** The months that facts are about, `2026-01…05`; undefined where one says none. */
export function periodsOf(members: readonly ChainLink[], language: Language): string | undefined {
  const periods = members.map(({ detail }) => String(detail.period ?? "")).sort();
  const [first, last] = [periods[0] ?? "", periods.at(-1) ?? ""];
  if (!/^\d{6}$/.test(first)) {
    return undefined;
  }
  const [from, to] = [period(first, language), period(last, language)];
  if (first === last) {
    return from;
  }
  const year = first.slice(0, 4);
  if (year !== last.slice(0, 4)) {
    return `${from}…${to}`;
  }
  return language === "zh" ? `${from}…${to.replace(`${year}年`, "")}` : `${from.replace(` ${year}`, "")}…${to}`;
}

/** Time of the whole chain in ms, from the first fact that has a time to the last. */
export function wholeTime(chain: readonly ChainLink[]): number | undefined {
  const times = chain.map(link => Date.parse(link.at)).filter(at => !Number.isNaN(at));
  return times.length > 1 ? Math.max(...times) - Math.min(...times) : undefined;
}

function timeBetween(earlier: ChainLink, later: ChainLink): number | undefined {
  const ms = Date.parse(later.at) - Date.parse(earlier.at);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The fact that an arrow key leads to, from evidence to its alert; the same one at an end. */
export function walk(placed: readonly Placed[], from: string | undefined, key: string): string | undefined {
  const at = placed.findIndex(each => each.link.id === from);
  const here = placed[at];
  if (!here) {
    return placed[0]?.link.id;
  }
  switch (key) {
    case "ArrowLeft":
      return here.cause?.id ?? from;
    case "ArrowRight":
      return placed.find(each => each.cause?.id === from)?.link.id ?? here.evidenceOf ?? from;
    case "ArrowUp":
      return placed[Math.max(0, at - 1)]?.link.id;
    case "ArrowDown":
      return placed[Math.min(placed.length - 1, at + 1)]?.link.id;
    default:
      return from;
  }
}

/** What kind of fact it is: `boss`, `alert`, `work`, `sms`, `rule`, `customer`, or `other`. */
export function sortOf(type: string): "boss" | "alert" | "work" | "sms" | "customer" | "other" {
  const found = /^(?:kam\.)?(boss|alert|work|sms|customer)\./.exec(type)?.[1];
  return (found as ReturnType<typeof sortOf> | undefined) ?? "other";
}

/** The page where what a fact is about is worked on; undefined where there is none. */
export function pageOf({ detail }: ChainLink): string | undefined {
  const id = (name: string): string | undefined => {
    const value = detail[name];
    return typeof value === "string" && value !== "" ? encodeURIComponent(value) : undefined;
  };
  const [work, alert, customer] = [id("work_id"), id("alert_id"), id("customer_id")];
  return work ? `/work/${work}` : alert ? `/alerts/${alert}` : customer && `/customers/${customer}`;
}
