import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Button, Input, Select, Tree, TreeSelect } from "antd";
import { useMemo, useState } from "react";
import { useNavigate, useParams } from "react-router";
import { answer, api } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { number } from "@/format";
import { useBreadth } from "@/habits/element";
import { useFilters } from "@/habits/filters";
import { useText } from "@/i18n";
import { Count } from "@/rows/Count";
import { RowsDrawer } from "@/rows/RowsDrawer";
import { type OpenedRows, useRows } from "@/rows/useRows";
import { useMe } from "@/session/session";
import { Members } from "./Members";
import { teamText } from "./messages";
import styles from "./team.module.css";
import { found, SORTS, type Sort, treeOf, type Unit, type UnitNode } from "./units";

const FIELDS = { sort: { kind: "one", values: SORTS, first: "overdue" } } as const;
const EVERY_MS = 60_000;
/** Members that are read at first, and with each step more. */
const STEP = 100;

/** Units with what is open in them, and the people of one. */
export default function Team() {
  const t = useText(teamText);
  const { unit_id } = useMe();
  const { unit: inPath } = useParams();
  const navigate = useNavigate();
  const isPhone = useBreadth() === "phone";
  const filters = useFilters(FIELDS);
  const rows = useRows();
  const [text, setText] = useState("");
  const tree = useQuery({
    queryKey: ["team"],
    queryFn: ({ signal }) => answer(api.GET("/v1/team", { signal })),
    refetchInterval: EVERY_MS,
  });
  const units = tree.data?.units;
  const nodes = useMemo(() => treeOf(units ?? []), [units]);
  const chosen = inPath ?? ownOf(units, unit_id);
  const open = (id: string): void => void navigate(`/team/${encodeURIComponent(id)}`);

  return (
    <Page
      title={t.title}
      extra={tree.data && <AsOf at={tree.data.as_of} secondsBehind={tree.data.seconds_behind ?? 0} />}
    >
      <QueryBlock
        query={tree}
        what={t.units}
        skeleton={<Skeletons n={8} />}
        empty={data => (data.units.length === 0 ? <EmptyState text={t.noUnits} /> : null)}
      >
        {() => (
          <div className={styles.frame}>
            {isPhone ? (
              <TreeSelect
                aria-label={t.units}
                className={styles.picker}
                showSearch={{ treeNodeFilterProp: "title" }}
                treeDefaultExpandAll
                value={chosen}
                onChange={open}
                treeData={nodes.map(picked)}
              />
            ) : (
              <nav className={styles.tree} aria-label={t.units}>
                <Input
                  allowClear
                  aria-label={t.find}
                  placeholder={t.find}
                  value={text}
                  onChange={event => setText(event.target.value)}
                />
                <Tree
                  key={text}
                  blockNode
                  defaultExpandAll={text !== "" || nodes.length < 3}
                  defaultExpandedKeys={chosen ? [chosen] : []}
                  autoExpandParent
                  selectedKeys={chosen ? [chosen] : []}
                  treeData={found(nodes, text).map(node => shown(node, t.unattended, rows.open))}
                  onSelect={keys => keys[0] !== undefined && open(String(keys[0]))}
                />
              </nav>
            )}
            {chosen ? (
              <One
                key={chosen}
                unit={chosen}
                sort={filters.filter.sort as Sort}
                onSort={sort => filters.set({ sort })}
                rows={rows}
              />
            ) : (
              <EmptyState text={t.choose} />
            )}
          </div>
        )}
      </QueryBlock>
      <RowsDrawer rows={rows} />
    </Page>
  );
}

function One({
  unit,
  sort,
  onSort,
  rows,
}: {
  unit: string;
  sort: Sort;
  onSort: (sort: Sort) => void;
  rows: OpenedRows;
}) {
  const t = useText(teamText);
  const [limit, setLimit] = useState(STEP);
  const query = useQuery({
    queryKey: ["team", unit, sort, limit],
    queryFn: ({ signal }) =>
      answer(api.GET("/v1/team/{unit}", { params: { path: { unit }, query: { sort, limit } }, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: EVERY_MS,
  });
  return (
    <section className={styles.one}>
      <QueryBlock query={query} what={t.load} skeleton={<Skeletons n={8} />}>
        {({ unit: found, people, total, members, opens: of, as_of, seconds_behind }) => (
          <>
            <header className={styles.head}>
              <h2>{found.name ?? found.unit_id}</h2>
              <span className="kam-secondary">{t.people(people)}</span>
              <Sums unit={found} onOpen={rows.open} />
              <AsOf at={as_of} secondsBehind={seconds_behind ?? 0} />
              <Select
                aria-label={t.sort}
                className={styles.sort}
                value={sort}
                onChange={onSort}
                options={SORTS.map(value => ({ value, label: t.by[value] }))}
              />
            </header>
            {members.length === 0 ? (
              <EmptyState text={t.none} />
            ) : (
              <Members unit={found.unit_id} members={members} of={of} onOpen={rows.open} />
            )}
            {members.length < total && (
              <Button block loading={query.isPlaceholderData} onClick={() => setLimit(limit + STEP)}>
                {t.more(members.length, total)}
              </Button>
            )}
          </>
        )}
      </QueryBlock>
    </section>
  );
}

/** What a unit has, with all beneath it: each number opens its rows. */
function Sums({ unit, onOpen }: { unit: Unit; onOpen: OpenedRows["open"] }) {
  const t = useText(teamText);
  const open = { unit: unit.unit_id, open: "1" };
  const sums = [
    { name: "customers", asked: { list: "customers", filter: { unit: unit.unit_id } } },
    { name: "open", asked: { list: "work", filter: open } },
    { name: "overdue", asked: { list: "work", filter: { ...open, due: "overdue" } } },
    { name: "unclaimed", asked: { list: "work", filter: { ...open, holder: "none" } } },
  ] as const;
  return (
    <>
      {sums.map(({ name, asked }) => (
        <span key={name}>
          {t[name]}
          <Count label={t[name]} asked={{ ...asked, count: unit[name] }} onOpen={onOpen} />
          {name === "unclaimed" && unit.unclaimed > 0 && "!"}
        </span>
      ))}
    </>
  );
}

/** One's own unit; without one the first that one sees all of. */
function ownOf(units: readonly Unit[] | undefined, own: string | null | undefined): string | undefined {
  return (units?.find(unit => unit.unit_id === own && unit.mine) ?? units?.find(({ mine }) => mine))?.unit_id;
}

function shown(
  { key, unit, children }: UnitNode,
  label: string,
  onOpen: OpenedRows["open"],
): {
  key: string;
  title: React.ReactNode;
  disabled: boolean;
  children: object[];
} {
  return {
    key,
    disabled: !unit.mine,
    children: children.map(child => shown(child, label, onOpen)),
    title: (
      <span className={styles.node}>
        <span className={styles.name}>{unit.name ?? unit.unit_id}</span>
        {unit.unattended > 0 && (
          <Count
            className={styles.trouble}
            label={`${unit.name ?? unit.unit_id} ${label}`}
            asked={{
              list: "work",
              filter: { unit: unit.unit_id, open: "1", unattended: "1" },
              count: unit.unattended,
            }}
            shown={`! ${number(unit.unattended)}`}
            onOpen={onOpen}
          />
        )}
      </span>
    ),
  };
}

function picked({ key, unit, children }: UnitNode): {
  value: string;
  title: string;
  disabled: boolean;
  children: object[];
} {
  return {
    value: key,
    title: `${unit.name ?? unit.unit_id}${unit.unattended > 0 ? "  !" : ""}`,
    disabled: !unit.mine,
    children: children.map(picked),
  };
}
