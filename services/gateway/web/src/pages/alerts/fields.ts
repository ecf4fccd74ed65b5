import type { AlertRow } from "@/alerts/row";
import { dayOf, instant } from "@/format";
import type { Fields, Filter } from "@/habits/filters";

export type { AlertRow } from "@/alerts/row";

/** States in which something is still to be done: what the bare page shows. */
export const OPEN_STATES = ["raised", "acknowledged", "acted"] as const;
export const STATES = [...OPEN_STATES, "resolved", "expired"] as const;
export const KINDS = ["churn_warning", "arrears", "complaint_opened", "contract_expiring", "attention"] as const;
export const SEVERITIES = ["critical", "major", "minor"] as const;
export const DUE = ["overdue", "today", "tomorrow", "week", "later"] as const;
export const SORTS = ["due", "severity", "raised", "amount"] as const;

export const FIELDS = {
  kind: { kind: "many" },
  severity: { kind: "many", values: SEVERITIES },
  state: { kind: "many", values: STATES, first: OPEN_STATES.join(",") },
  stage: { kind: "many" },
  due: { kind: "many", values: DUE },
  city: { kind: "many" },
  unit: { kind: "many" },
  manager: { kind: "many" },
  customer: { kind: "many" },
  rule: { kind: "many" },
  outcome: { kind: "many" },
  period: { kind: "many" },
  escalated: { kind: "one", values: ["1"] },
  suppressed: { kind: "one", values: ["1"] },
  shadow: { kind: "one", values: ["1"] },
  since: { kind: "one" },
  until: { kind: "one" },
  changed_since: { kind: "one" },
  sort: { kind: "one", values: SORTS.flatMap(sort => [sort, `-${sort}`]), first: "due" },
} as const satisfies Fields;

export type AlertFilter = Filter<typeof FIELDS>;
type Query = Record<string, string | boolean | undefined>;

const list = (values: readonly string[]): string | undefined => (values.length > 0 ? values.join(",") : undefined);
const isOpenFilter = (state: readonly string[]): boolean =>
  state.length === OPEN_STATES.length && OPEN_STATES.every(each => state.includes(each));

/** The filter as the server takes it; `found`: customers whom the free text means. */
export function queryOf(filter: AlertFilter, found?: readonly string[]): Query {
  const customers = found ?? filter.customer;
  return {
    kind: list(filter.kind),
    severity: list(filter.severity),
    state: isOpenFilter(filter.state) ? undefined : list(filter.state),
    open: isOpenFilter(filter.state) ? true : undefined,
    stage: list(filter.stage),
    due: list(filter.due),
    city: list(filter.city),
    unit: list(filter.unit),
    manager: list(filter.manager),
    customer: list(customers),
    rule: list(filter.rule),
    outcome: list(filter.outcome),
    period: list(filter.period),
    escalated: filter.escalated === "1" ? true : undefined,
    suppressed: filter.suppressed === "1" ? true : undefined,
    since: filter.since || undefined,
    until: filter.until || undefined,
    changed_since: filter.changed_since || undefined,
  };
}

/** The filter that the counts above the list are of: as the list, but for state. */
export function countedOf(filter: AlertFilter, found?: readonly string[]): Query {
  return { ...queryOf({ ...filter, state: [...OPEN_STATES], escalated: "", suppressed: "" }, found), open: true };
}

const among = (asked: readonly string[], value: string | null): boolean =>
  asked.length === 0 || asked.includes(value ?? "none");

/**
 * Whether a row that came live belongs to the list. Units are those that the list shows already, with all below them,
 * which only the server knows: `unitOf` tells whether a unit has been seen among its rows.
 */
export function matches(
  filter: AlertFilter,
  row: AlertRow,
  now: number,
  isKnownUnit: (unit: string | null) => boolean,
): boolean {
  return (
    among(filter.kind, row.kind) &&
    among(filter.severity, row.severity) &&
    among(filter.state, row.state) &&
    among(filter.stage, row.stage) &&
    among(filter.city, row.city) &&
    (filter.unit.length === 0 || filter.unit.includes(row.unit_id ?? "none") || isKnownUnit(row.unit_id)) &&
    among(filter.manager, row.manager_id) &&
    among(filter.customer, row.customer_id) &&
    among(filter.rule, row.rule.id) &&
    among(filter.outcome, row.outcome) &&
    among(filter.period, row.period) &&
    (filter.escalated !== "1" || row.escalated) &&
    (filter.suppressed !== "1" || Boolean(row.suppressed)) &&
    (filter.due.length === 0 || filter.due.includes(dueGroup(row.due_at, now))) &&
    (!filter.since || row.raised_at >= filter.since) &&
    (!filter.until || row.raised_at < filter.until)
  );
}

export type DueGroup = (typeof DUE)[number] | "none";

const DAY = 86_400_000;

/** Groups by due time, by the business calendar: what is left of the week begins behind tomorrow. */
export function dueGroup(dueAt: string | null, now: number): DueGroup {
  const due = dueAt ? instant(dueAt) : Number.NaN;
  if (Number.isNaN(due)) {
    return "none";
  }
  if (due < now) {
    return "overdue";
  }
  const start = Date.parse(`${dayOf(now)}T00:00:00+08:00`);
  const days = Math.floor((due - start) / DAY);
  const weekday = (new Date(start + 8 * 3600_000).getUTCDay() + 6) % 7;
  return days < 1 ? "today" : days < 2 ? "tomorrow" : days < 7 - weekday ? "week" : "later";
}
