import { PlusOutlined } from "@ant-design/icons";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useState } from "react";
import { answer, api, type Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { FilterBar } from "@/components/FilterBar";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { SystemTime } from "@/components/Time";
import { WithPanel } from "@/components/WithPanel";
import { number } from "@/format";
import { useBreadth } from "@/habits/element";
import { useFilters } from "@/habits/filters";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import { useUnits } from "@/places/units";
import { ROLES } from "@/session/api";
import { adminText } from "./messages";
import type { SectionProps } from "./section";
import { UserForm } from "./UserForm";

type User = Schema<"UserView">;

const FIELDS = {
  role: { kind: "many", values: ROLES },
  state: { kind: "many", values: ["active", "disabled"] },
} as const;
/** In place of a staff number: the account that is being made. */
const NEW = "new";
const PAGE = 200;
/** Columns that stay beside the user who is open. */
const BESIDE = ["name", "staff_no", "unit", "roles", "state"];

export function Users({ id, open }: SectionProps) {
  const t = useText(adminText);
  const shared = useText(common);
  const filters = useFilters(FIELDS);
  const [current, setCurrent] = useState<string>();
  const { role, state } = filters.filter;
  const query = useInfiniteQuery({
    queryKey: ["admin", "users", filters.text, role, state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/v1/admin/users", {
          params: {
            query: {
              text: filters.text || undefined,
              role: role.join(",") || undefined,
              state: state.join(",") || undefined,
              cursor: pageParam,
              limit: PAGE,
            },
          },
          signal,
        }),
      ),
    getNextPageParam: page => page.next ?? undefined,
  });
  const rows = query.data?.pages.flatMap(page => page.rows) ?? [];
  const total = query.data?.pages[0]?.total ?? 0;
  useShortcuts([{ keys: "n", label: t.user.create, group: shared.shortcuts.list, run: () => open(NEW) }]);

  const breadth = useBreadth();
  const units = useUnits().data ?? [];
  const unitName = (id: string | null | undefined): string =>
    units.find(unit => unit.unit_id === id)?.name ?? id ?? "—";
  const isBeside = id !== undefined && breadth === "desktop";
  const columns: Column<User>[] = [
    { key: "name", title: t.user.name, width: 120, render: user => user.name },
    { key: "staff_no", title: t.user.staffNo, width: 120, render: user => user.staff_no },
    { key: "unit", title: t.user.unit, width: 120, render: user => unitName(user.unit_id) },
    {
      key: "roles",
      title: t.grant.role,
      width: 180,
      render: user => [...new Set(user.grants?.map(grant => shared.role[grant.role]))].join(shared.comma),
    },
    {
      key: "kinds",
      title: t.grant.kinds,
      width: 140,
      render: user =>
        [...new Set(user.grants?.flatMap(grant => grant.kinds ?? []))]
          .map(kind => shared.kind[kind as keyof typeof shared.kind] ?? kind)
          .join(shared.comma) || t.grant.allKinds,
    },
    { key: "state", title: t.user.state, width: 80, render: user => t.user.states[user.state] },
    { key: "at", title: t.changedAt, width: 130, render: user => <SystemTime at={user.at} /> },
  ];
  return (
    <WithPanel
      title={id === NEW ? t.user.create : id}
      panel={id && <UserForm key={id} staffNo={id === NEW ? undefined : id} open={open} />}
      onClose={() => open(undefined)}
    >
      <FilterBar
        fields={FIELDS}
        filters={filters}
        text={t.find}
        controls={[
          { name: "role", label: t.grant.role, options: ROLES.map(value => ({ value, label: shared.role[value] })) },
          {
            name: "state",
            label: t.user.state,
            options: (["active", "disabled"] as const).map(value => ({ value, label: t.user.states[value] })),
          },
        ]}
      >
        <span className="kam-secondary">{shared.filter.total(number(total))}</span>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => open(NEW)}>
          {t.user.create}
        </Button>
      </FilterBar>
      <QueryBlock
        query={query}
        what={t.user.list}
        skeleton={<Skeletons n={10} />}
        empty={() => (rows.length === 0 ? <EmptyState text={t.user.none} /> : undefined)}
      >
        {() => (
          <DataTable
            label={t.user.list}
            rows={rows}
            idOf={user => user.staff_no}
            columns={isBeside ? columns.filter(({ key }) => BESIDE.includes(key)) : columns}
            total={total}
            current={current ?? id}
            onCurrent={setCurrent}
            onOpen={user => open(user.staff_no)}
            onEnd={() => query.hasNextPage && !query.isFetching && void query.fetchNextPage()}
          />
        )}
      </QueryBlock>
    </WithPanel>
  );
}
