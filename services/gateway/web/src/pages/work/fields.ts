import type { Schema } from "@/api/client";
import type { Fields, Filter } from "@/habits/filters";
import { type DueGroup, dueGroup } from "@/pages/alerts/fields";

export type WorkRow = Schema<"WorkRow">;

export const KINDS = ["retention", "dunning", "complaint_follow_up", "renewal", "follow_up", "attention"] as const;
export const STATES = ["new", "accepted", "acted", "closed"] as const;
const OPEN_STATES = ["new", "accepted", "acted"] as const;
export const WHOSE = ["mine", "unit", "unclaimed"] as const;
export type Whose = (typeof WHOSE)[number];

export const FIELDS = {
  whose: { kind: "one", values: [...WHOSE, "all"], first: "mine" },
  /** Whose items in particular: what *mine* is to a colleague. */
  holder: { kind: "one" },
  type: { kind: "many" },
  state: { kind: "many", values: STATES, first: OPEN_STATES.join(",") },
  due: { kind: "many", values: ["overdue", "today", "tomorrow", "week", "later"] },
  city: { kind: "many" },
  unit: { kind: "many" },
  manager: { kind: "many" },
  customer: { kind: "many" },
  outcome: { kind: "many" },
  since: { kind: "one" },
  changed_since: { kind: "one" },
} as const satisfies Fields;

/** The same for who has no items of their own: the bare page is then all that they see. */
export const FIELDS_OF_OTHERS = { ...FIELDS, whose: { ...FIELDS.whose, first: "unit" } } as const;

export type WorkFilter = Filter<typeof FIELDS>;
type Query = Record<string, string | boolean | undefined>;

const list = (values: readonly string[]): string | undefined => (values.length > 0 ? values.join(",") : undefined);

export function isOpenFilter(state: readonly string[]): boolean {
  return state.length === OPEN_STATES.length && OPEN_STATES.every(each => state.includes(each));
}

function holderOf({ whose, holder }: WorkFilter, managerId: string | null | undefined): string | undefined {
  if (holder) {
    return holder;
  }
  return whose === "unclaimed" ? "none" : whose === "mine" && managerId ? managerId : undefined;
}

/** Says in an address whose items these are, so that it means the same to everybody. */
export function sayWhose(query: URLSearchParams, filter: WorkFilter, managerId: string | null | undefined): void {
  const isMine = filter.whose === "mine" && managerId;
  query.set("whose", isMine ? "unit" : filter.whose);
  if (isMine && !filter.holder) {
    query.set("holder", managerId);
  }
}

/** The filter as the server takes it. */
export function queryOf(filter: WorkFilter, managerId: string | null | undefined, found?: readonly string[]): Query {
  return {
    holder: holderOf(filter, managerId),
    type: list(filter.type),
    state: isOpenFilter(filter.state) ? undefined : list(filter.state),
    open: isOpenFilter(filter.state) ? true : undefined,
    due: list(filter.due),
    city: list(filter.city),
    unit: list(filter.unit),
    manager: list(filter.manager),
    customer: list(found ?? filter.customer),
    outcome: list(filter.outcome),
    since: filter.since || undefined,
    changed_since: filter.changed_since || undefined,
  };
}

const among = (asked: readonly string[], value: string | null): boolean =>
  asked.length === 0 || asked.includes(value ?? "none");

/** Whether a row that came live belongs to the list. */
export function matches(filter: WorkFilter, managerId: string | null | undefined, row: WorkRow, now: number): boolean {
  const holder = holderOf(filter, managerId);
  return (
    (holder === undefined || (holder === "none" ? row.holder_id === null : row.holder_id === holder)) &&
    among(filter.type, row.kind) &&
    among(filter.state, row.state) &&
    among(filter.city, row.city) &&
    among(filter.unit, row.unit_id) &&
    among(filter.manager, row.manager_id) &&
    among(filter.customer, row.customer_id) &&
    among(filter.outcome, row.outcome) &&
    (filter.due.length === 0 || filter.due.includes(dueGroup(row.due_at, now)))
  );
}

export const GROUPS: readonly DueGroup[] = ["overdue", "today", "tomorrow", "week", "later", "none"];
/** Groups that are folded until somebody opens them. */
export const FOLDED: ReadonlySet<DueGroup> = new Set(["week", "later", "none"] as const);

export interface Group {
  name: DueGroup | "closed";
  rows: WorkRow[];
}

/**
 * Rows by due time as it was at `at`, closed ones together. `placed` holds in which group each row stood first since the
 * list was read: there it stays, whatever is done to it, until the person refreshes.
 */
export function groupsOf(rows: readonly WorkRow[], at: number, placed = new Map<string, Group["name"]>()): Group[] {
  const found = new Map<Group["name"], WorkRow[]>();
  for (const row of rows) {
    const name = placed.get(row.work_id) ?? (row.state === "closed" ? "closed" : dueGroup(row.due_at, at));
    placed.set(row.work_id, name);
    found.set(name, [...(found.get(name) ?? []), row]);
  }
  return [...GROUPS, "closed" as const].flatMap(name => {
    const own = found.get(name);
    return own ? [{ name, rows: own }] : [];
  });
}
