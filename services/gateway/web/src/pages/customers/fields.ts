import type { Schema } from "@/api/client";
import type { Fields, Filter } from "@/habits/filters";

export type CustomerRow = Schema<"CustomerRow">;

export const KINDS = ["person", "corporate"] as const;
export const STATUSES = ["active", "suspended", "left"] as const;
export const AREAS = ["urban", "rural"] as const;
export const ROLES = ["member", "key_contact"] as const;
export const SORTS = ["name", "-fee", "fee", "-opened", "opened"] as const;

export const FIELDS = {
  kind: { kind: "many", values: KINDS },
  status: { kind: "many", values: STATUSES },
  area: { kind: "many", values: AREAS },
  role: { kind: "many", values: ROLES },
  city: { kind: "many" },
  unit: { kind: "many" },
  manager: { kind: "many" },
  brand: { kind: "many" },
  plan: { kind: "many" },
  credit: { kind: "many" },
  customer: { kind: "many" },
  sort: { kind: "one", values: SORTS, first: "name" },
} as const satisfies Fields;

export type CustomerFilter = Filter<typeof FIELDS>;

/** The filter as the server takes it; `found`: customers whom the free text means. */
export function queryOf(filter: CustomerFilter, found?: readonly string[]): Record<string, string | undefined> {
  const list = (values: readonly string[]): string | undefined => (values.length > 0 ? values.join(",") : undefined);
  const { sort: _, customer, ...rest } = filter;
  return {
    ...Object.fromEntries(Object.entries(rest).map(([name, values]) => [name, list(values)])),
    customer: list(found ?? customer),
  };
}
