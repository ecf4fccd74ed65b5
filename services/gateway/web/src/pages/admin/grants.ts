import type { Schema } from "@/api/client";

export type Grant = Schema<"GrantBody">;

/** How the reach of a grant is chosen: one of these, never two. */
export const REACHES = ["whole", "cities", "units", "own"] as const;
export type Reach = (typeof REACHES)[number];

export function reachOf(grant: Pick<Grant, "cities" | "units" | "manager_id">): Reach {
  if (grant.manager_id !== null && grant.manager_id !== undefined) {
    return "own";
  }
  if (grant.units && grant.units.length > 0) {
    return "units";
  }
  return grant.cities && grant.cities.length > 0 ? "cities" : "whole";
}

/** A grant as the form keeps it. */
export interface GrantFields {
  role: Grant["role"];
  reach: Reach;
  codes?: string[];
  manager_id?: string;
  kinds?: string[];
}

export function fieldsOf(grant: Grant): GrantFields {
  const reach = reachOf(grant);
  return {
    role: grant.role,
    reach,
    codes: [...((reach === "units" ? grant.units : reach === "cities" ? grant.cities : []) ?? [])],
    manager_id: grant.manager_id ?? undefined,
    kinds: [...(grant.kinds ?? [])],
  };
}

/** What is asked of the server: only what belongs to the reach that was chosen. */
export function grantOf({ role, reach, codes = [], manager_id, kinds = [] }: GrantFields): Grant {
  const clean = codes.map(code => code.trim()).filter(Boolean);
  return {
    role,
    cities: reach === "cities" ? clean : [],
    units: reach === "units" ? clean : [],
    manager_id: reach === "own" ? (manager_id?.trim() ?? "") : null,
    kinds,
  };
}

/** Whether it says enough to ask what it comes to. */
export function isWhole(grant: Partial<GrantFields> | undefined): grant is GrantFields {
  if (!grant?.role || !grant.reach) {
    return false;
  }
  if (grant.reach === "own") {
    return Boolean(grant.manager_id?.trim());
  }
  return grant.reach === "whole" || (grant.codes ?? []).some(code => code.trim());
}
