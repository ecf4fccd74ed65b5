import { useCallback, useMemo } from "react";
import { useLocation, useNavigate } from "react-router";
import { own } from "./owner";

/** A filter in the address: one wire value, several with commas, or a sort key. */
export interface Field {
  kind: "one" | "many";
  /** Wire values that are taken; without it the set is open. */
  values?: readonly string[];
  /** What holds when the address does not say; never written into it. */
  first?: string;
}

export type Fields = Readonly<Record<string, Field>>;
export type Filter<F extends Fields> = { [K in keyof F]: F[K]["kind"] extends "many" ? string[] : string };

/** Keys of every page: they are no filters, and no strangers either. */
const COMMON = ["item", "view", "tab", "at", "as", "node"];
const LONGEST = 200;

export interface Parsed<F extends Fields> {
  filter: Filter<F>;
  /** Keys and values nobody knows: the page says that it ignored them. */
  unknown: string[];
}

/** The filter an address asks for. Whatever stands there, the answer is a filter. */
export function parseFilter<F extends Fields>(fields: F, search: string): Parsed<F> {
  const query = new URLSearchParams(search);
  const unknown = [...new Set(query.keys())].filter(key => !Object.hasOwn(fields, key) && !COMMON.includes(key));
  const filter: Record<string, string | string[]> = {};
  for (const [name, field] of Object.entries(fields)) {
    const asked = String(query.get(name) ?? field.first ?? "")
      .split(",")
      .filter(value => value && value.length <= LONGEST);
    const known = asked.filter(value => !field.values || field.values.includes(value));
    unknown.push(...asked.filter(value => !known.includes(value)).map(value => `${name}=${value}`));
    filter[name] = field.kind === "many" ? [...new Set(known)] : (known[0] ?? field.first ?? "");
  }
  return { filter: filter as Filter<F>, unknown };
}

/** The address of a filter: wire values, comma lists in the order of the fields, defaults left out. */
export function filterQuery<F extends Fields>(fields: F, filter: Filter<F>, search = ""): string {
  const kept = new URLSearchParams(search);
  const parts: string[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const text = String(filter[name] ?? "");
    if (text !== (field.first ?? "")) {
      parts.push(`${name}=${text.split(",").map(encodeURIComponent).join(",")}`);
    }
  }
  for (const name of COMMON) {
    const value = kept.get(name);
    if (value) {
      parts.push(`${name}=${encodeURIComponent(value)}`);
    }
  }
  return parts.length ? `?${parts.join("&")}` : "";
}

export interface Filters<F extends Fields> extends Parsed<F> {
  /** How many fields say something else than their default. */
  changed: number;
  set: (change: Partial<Filter<F>>) => void;
  clear: () => void;
  /** Free text; it stands behind `#q=`, which browsers send to nobody. */
  text: string;
  setText: (text: string) => void;
}

/** The page's filter, bound to the address: Back, a reload and a copied link find it again. */
export function useFilters<F extends Fields>(fields: F): Filters<F> {
  const { pathname, search, hash } = useLocation();
  const navigate = useNavigate();
  const parsed = useMemo(() => parseFilter(fields, search), [fields, search]);
  const text = useMemo(() => new URLSearchParams(hash.slice(1)).get("q") ?? "", [hash]);
  const go = useCallback(
    (filter: Filter<F>, q: string) =>
      navigate(
        { pathname, search: filterQuery(fields, filter, search), hash: q ? `#q=${encodeURIComponent(q)}` : "" },
        { replace: true },
      ),
    [navigate, pathname, fields, search],
  );
  return {
    ...parsed,
    changed: Object.entries(fields).filter(([name, field]) => String(parsed.filter[name] ?? "") !== (field.first ?? ""))
      .length,
    set: change => void go({ ...parsed.filter, ...change }, text),
    clear: () => void go(parseFilter(fields, "").filter, ""),
    text,
    setText: next => void go(parsed.filter, next),
  };
}

const LAST = "kam.last";

/** Remembers the filter of a list for the next day; the navigation leads back to it. */
export function rememberQuery(pathname: string, search: string): void {
  const query = new URLSearchParams(search);
  for (const name of COMMON.filter(name => name !== "view")) {
    query.delete(name);
  }
  try {
    localStorage.setItem(own(LAST) + pathname, query.toString().replaceAll("%2C", ","));
  } catch {
    // A browser that keeps nothing leads to the bare page.
  }
}

export function rememberedPath(pathname: string): string {
  try {
    const query = localStorage.getItem(own(LAST) + pathname);
    return query ? `${pathname}?${query}` : pathname;
  } catch {
    return pathname;
  }
}
