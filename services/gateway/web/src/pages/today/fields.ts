import type { AlertRow } from "@/alerts/row";
import type { Schema } from "@/api/client";
import type { Fields, Filter } from "@/habits/filters";

export type Day = Schema<"TodayView">;
export type Reminder = Schema<"Reminder">;

export const KINDS = ["churn_warning", "arrears", "complaint_opened", "contract_expiring"] as const;
export const SORTS = ["due", "severity", "-raised"] as const;

export const FIELDS = {
  /** `me`: all that I see; `unit:<id>`: of it what is that unit's. */
  scope: { kind: "one", first: "me" },
  kind: { kind: "one", values: KINDS },
  sort: { kind: "one", values: SORTS, first: "due" },
} as const satisfies Fields;

export type TodayFilter = Filter<typeof FIELDS>;

export function unitOf(scope: string): string | undefined {
  return /^unit:(.+)$/.exec(scope)?.[1];
}

/** Alerts that nobody knows of yet, and those that somebody has in hand. */
export const LISTS = { fresh: ["raised"], known: ["acknowledged", "acted"] } as const;

/** Whether an alert that came live is of this list. Units below the one asked for are those that its rows have shown. */
export function belongs(
  row: AlertRow,
  filter: TodayFilter,
  states: readonly string[],
  isOfUnit: (unit: string | null) => boolean,
): boolean {
  return (
    states.includes(row.state) &&
    (!filter.kind || row.kind === filter.kind) &&
    (!unitOf(filter.scope) || isOfUnit(row.unit_id))
  );
}

/** Where the numbers lead: exactly the rows that were counted. */
export function pathsOf(filter: TodayFilter, since: string) {
  const unit = unitOf(filter.scope);
  const to = (page: string, query: string): string => {
    const parts = [query, unit && `unit=${encodeURIComponent(unit)}`].filter(Boolean);
    return parts.length > 0 ? `/${page}?${parts.join("&")}` : `/${page}`;
  };
  const from = encodeURIComponent(since);
  return {
    open: to("alerts", ""),
    dueToday: to("alerts", "due=today"),
    overdue: to("alerts", "due=overdue"),
    atRisk: to("alerts", "kind=churn_warning"),
    contracts: to("alerts", "kind=contract_expiring"),
    raised: to("alerts", `state=&since=${from}`),
    resolved: to("alerts", `state=resolved&changed_since=${from}`),
    escalated: to("alerts", `escalated=1&changed_since=${from}`),
    recovered: to("alerts", `kind=arrears&state=&outcome=cleared&changed_since=${from}`),
    kept: to("alerts", `kind=churn_warning&state=&outcome=retained,recovered&changed_since=${from}`),
    assigned: to("work", `whose=unit&state=&since=${from}`),
    closed: to("work", `whose=unit&state=closed&changed_since=${from}`),
  };
}
