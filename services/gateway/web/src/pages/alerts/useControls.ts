import { useMemo } from "react";
import type { FilterControl } from "@/components/FilterBar";
import { common, useText, word } from "@/i18n";
import { usePlaceControls } from "@/lists/placeControls";
import { useMe } from "@/session/session";
import { type AlertFilter, type AlertRow, DUE, KINDS, SEVERITIES, STATES } from "./fields";
import { alertsText } from "./messages";

/** The filter's fields with their values; managers are those that the list shows, or is narrowed to. */
export function useControls(filter: AlertFilter, rows: readonly AlertRow[]): readonly FilterControl[] {
  const t = useText(alertsText);
  const shared = useText(common);
  const places = usePlaceControls();
  // Who sees other people's customers has it from the first paint; who sees their own alone, where there is a choice.
  const seesOthers = useMe().role !== "manager";
  const managers = useMemo(() => {
    const known = new Map(filter.manager.map(id => [id, id]));
    for (const row of rows) {
      if (row.manager_id) {
        known.set(row.manager_id, row.manager_name ?? row.manager_id);
      }
    }
    return [...known].map(([value, label]) => ({ value, label }));
  }, [filter.manager, rows]);
  return [
    {
      name: "kind",
      label: t.field.kind,
      options: KINDS.map(value => ({ value, label: word(shared.kind, value) })),
    },
    {
      name: "severity",
      label: t.field.severity,
      options: SEVERITIES.map(value => ({ value, label: word(shared.severity, value) })),
    },
    {
      name: "state",
      label: t.field.state,
      width: 196,
      options: STATES.map(value => ({ value, label: word(shared.alertState, value) })),
    },
    {
      name: "due",
      label: t.field.due,
      options: DUE.map(value => ({
        value,
        label: t.due[value],
      })),
    },
    ...places,
    ...(seesOthers || managers.length > 1 ? [{ name: "manager", label: t.field.manager, options: managers }] : []),
  ];
}
