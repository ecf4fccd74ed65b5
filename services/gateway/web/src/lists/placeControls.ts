import { useEffect, useMemo } from "react";
import type { Schema } from "@/api/client";
import type { FilterControl } from "@/components/FilterBar";
import { useKept } from "@/habits/kept";
import { useText } from "@/i18n";
import { cityName } from "@/places/cityName";
import { useUnits } from "@/places/units";
import { useMe } from "@/session/session";
import { listText } from "./messages";

type Unit = Pick<Schema<"UnitRow">, "unit_id" | "parent_id" | "name" | "city">;
interface Option {
  value: string;
  label: string;
}

/** Who sees one city alone, or one unit, as a rule: it is no choice. The others have theirs from the first paint. */
const ALONE: Readonly<Record<string, readonly string[]>> = {
  manager: ["city", "unit"],
  head: ["city", "unit"],
  city_head: ["city"],
};

/**
 * Cities and units that the person sees, for a list's filter; each where there is a choice, or as a rule is one. Until the
 * units have come, what was a choice the last time is one: a filter that came late would move those behind it.
 */
export function usePlaceControls(): readonly FilterControl[] {
  const t = useText(listText);
  const { role } = useMe();
  const { data } = useUnits();
  const [chosenBefore, keepChosen] = useKept<readonly string[]>("places", []);
  const controls = useMemo(() => {
    const found = [
      { name: "city", label: t.city, options: cityOptions(data ?? []) },
      { name: "unit", label: t.unit, options: unitOptions(data ?? []) },
    ];
    const isChoice = (name: string, options: readonly Option[]): boolean =>
      data ? options.length > 1 : chosenBefore.includes(name);
    return found.filter(({ name, options }) => !ALONE[role]?.includes(name) || isChoice(name, options));
  }, [data, role, t, chosenBefore]);
  const names = data && controls.map(({ name }) => name).join(",");
  useEffect(() => {
    if (names !== undefined && names !== chosenBefore.join(",")) {
      keepChosen(names.split(","));
    }
  }, [names, chosenBefore, keepChosen]);
  return controls;
}

/** Units in the order of their tree, each set in below the one above it. */
export function unitOptions(units: readonly Unit[]): Option[] {
  const below = new Map<string | null, Unit[]>();
  for (const unit of units) {
    below.set(unit.parent_id, [...(below.get(unit.parent_id) ?? []), unit]);
  }
  const found: Option[] = [];
  const add = (parent: string | null, depth: number): void => {
    for (const { unit_id: id, name } of below.get(parent) ?? []) {
      found.push({ value: id, label: `${"\u3000".repeat(depth)}${name ?? id}` });
      add(id, depth + 1);
    }
  };
  add(null, 0);
  return found;
}

/** Cities by their names; by that of their highest unit where they have none of their own. */
export function cityOptions(units: readonly Unit[]): Option[] {
  const cityOf = new Map(units.map(unit => [unit.unit_id, unit.city]));
  const names = new Map<string, string>();
  for (const { city, parent_id: parent, name } of units) {
    if (city && (parent === null || cityOf.get(parent) !== city) && !names.has(city)) {
      const own = cityName(city);
      names.set(city, own !== city ? own : name ? `${name} ${city}` : city);
    }
  }
  return [...names].map(([value, label]) => ({ value, label })).sort((a, b) => a.value.localeCompare(b.value));
}
