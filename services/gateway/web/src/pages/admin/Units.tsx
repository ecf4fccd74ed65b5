import { useState } from "react";
import { useNavigate } from "react-router";
import type { Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { number } from "@/format";
import { useText } from "@/i18n";
import { cityName } from "@/places/cityName";
import { useUnits } from "@/places/units";
import { adminText } from "./messages";

type Unit = Schema<"UnitRow">;

/** The units that BOSS sent, each with what it has to do; opening one leads to its team. */
export function Units() {
  const t = useText(adminText);
  const navigate = useNavigate();
  const query = useUnits();
  const [current, setCurrent] = useState<string>();
  const nameOf = (id: string | null): string => query.data?.find(unit => unit.unit_id === id)?.name ?? id ?? "—";
  const columns: Column<Unit>[] = [
    { key: "unit", title: t.units.unit, width: 200, render: unit => unit.name ?? unit.unit_id },
    { key: "id", title: t.units.id, width: 120, render: unit => unit.unit_id },
    { key: "above", title: t.units.above, width: 180, render: unit => nameOf(unit.parent_id) },
    { key: "city", title: t.units.city, width: 120, render: unit => (unit.city ? cityName(unit.city) : "—") },
    ...(["managers", "customers", "open_work", "overdue"] as const).map(
      (key): Column<Unit> => ({
        key,
        title: t.units[key === "open_work" ? "work" : key],
        width: 110,
        align: "end",
        render: unit => number(unit[key]),
      }),
    ),
  ];
  return (
    <>
      <p className="kam-secondary kam-small">{t.units.fromBoss}</p>
      <QueryBlock
        query={query}
        what={t.units.list}
        skeleton={<Skeletons n={8} />}
        empty={found => found.length === 0 && <EmptyState text={t.units.none} />}
      >
        {units => (
          <DataTable
            label={t.units.list}
            rows={units}
            idOf={unit => unit.unit_id}
            columns={columns}
            current={current}
            onCurrent={setCurrent}
            onOpen={unit => void navigate(`/team/${encodeURIComponent(unit.unit_id)}`)}
          />
        )}
      </QueryBlock>
    </>
  );
}
