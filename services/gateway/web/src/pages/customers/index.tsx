import { KeyOutlined, MutedOutlined } from "@ant-design/icons";
import { Select } from "antd";
import { useMemo, useRef } from "react";
import { Link, useNavigate } from "react-router";
import { answer, api } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { FilterBar } from "@/components/FilterBar";
import { AsOf } from "@/components/Freshness";
import { Money } from "@/components/Money";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import styles from "@/customers/customer.module.css";
import { customerText } from "@/customers/messages";
import { number } from "@/format";
import { useBreadth } from "@/habits/element";
import { type Filters, useFilters } from "@/habits/filters";
import { useKept } from "@/habits/kept";
import { type Place, usePlace } from "@/habits/place";
import { common, useText, word } from "@/i18n";
import { ExportButton } from "@/jobs/ExportButton";
import { StaleNote } from "@/lists/StaleNote";
import { useCopyLink } from "@/lists/useCopyLink";
import { useFound } from "@/lists/useFound";
import { useLiveRows } from "@/lists/useLiveRows";
import { type RowPage, usePagedList } from "@/lists/usePagedList";
import { cityName } from "@/places/cityName";
import { AREAS, type CustomerRow, FIELDS, KINDS, queryOf, ROLES, SORTS, STATUSES } from "./fields";

const PAGE = 100;
const EMPTY: RowPage<CustomerRow> = { rows: [], total: 0, next: null, as_of: null, seconds_behind: null };
const idOf = (row: CustomerRow): string => row.customer_id;
const pathOf = (row: CustomerRow): string => `/customers/${encodeURIComponent(row.customer_id)}`;

export default function Customers() {
  const t = useText(customerText);
  const shared = useText(common);
  const navigate = useNavigate();
  const isPhone = useBreadth() === "phone";
  const filters = useFilters(FIELDS);
  const { list, exported, forOthers } = useCustomers(filters);
  const [current, setCurrent] = useKept<string | undefined>("customers/current", undefined);
  const columns = useColumns();
  useCopyLink(forOthers);
  const words = (values: readonly string[], table: Record<string, string>) =>
    values.map(value => ({ value, label: word(table, value) }));
  const empty = <EmptyState text={filters.changed > 0 || filters.text ? t.none : t.nobody} />;
  const page = list.query.data;
  return (
    <Page
      title={shared.nav.customers}
      extra={
        <>
          <span className="kam-secondary">{shared.filter.total(number(list.total))}</span>
          <AsOf at={page?.as_of} secondsBehind={page?.seconds_behind ?? 0} />
        </>
      }
      fill
    >
      <FilterBar
        fields={FIELDS}
        filters={filters}
        text={t.find}
        controls={[
          { name: "kind", label: t.kindLabel, options: words(KINDS, t.kind) },
          { name: "status", label: t.state, options: words(STATUSES, shared.customerStatus) },
          { name: "area", label: t.areaLabel, options: words(AREAS, t.area) },
          { name: "role", label: t.roleLabel, options: words(ROLES, t.role) },
        ]}
      >
        <Select
          aria-label={t.sort}
          value={filters.filter.sort}
          options={words(SORTS, t.sorts)}
          popupMatchSelectWidth={false}
          onChange={sort => filters.set({ sort })}
        />
        {exported && <ExportButton list="customers" filter={exported} />}
      </FilterBar>
      <StaleNote asOf={page?.as_of} secondsBehind={page?.seconds_behind} isRebuilding={page?.rebuilding} />
      <QueryBlock
        query={list.query}
        what={t.list}
        skeleton={<Skeletons n={12} />}
        empty={found => (found.rows.length === 0 ? empty : null)}
      >
        {() =>
          isPhone ? (
            <Cards rows={list.rows} place={list.place} hasMore={list.hasMore} onMore={list.more} />
          ) : (
            <DataTable<CustomerRow>
              label={t.list}
              rows={list.rows}
              idOf={idOf}
              columns={columns}
              total={list.total}
              current={current}
              onCurrent={setCurrent}
              onOpen={row => void navigate(pathOf(row))}
              sort={filters.filter.sort}
              onSort={sort => filters.set({ sort: sort || "name" })}
              isDimmed={row => list.leaving.has(row.customer_id)}
              onEnd={list.more}
              place={list.place}
            />
          )
        }
      </QueryBlock>
    </Page>
  );
}

function useCustomers({ filter, text }: Filters<typeof FIELDS>) {
  const { ids: found, isLooking, forOthers } = useFound(text);
  const nobody = text !== "" && found?.length === 0;
  const query = queryOf(filter, found);
  const list = usePagedList<CustomerRow>({
    queryKey: ["customers", query, filter.sort, nobody, isLooking],
    read: async (cursor, signal) =>
      nobody || isLooking
        ? EMPTY
        : answer(
            api.GET("/v1/lists/customers", {
              params: { query: { ...query, sort: filter.sort, cursor, limit: PAGE } },
              signal,
            }),
          ),
    readThese: ids =>
      answer(api.GET("/v1/lists/customers", { params: { query: { customer: ids.join(","), limit: ids.length } } })),
    idOf,
    // Customers come and go with the nightly files: who is shown stays until the list is read anew.
    matches: row => !found || found.includes(row.customer_id),
  });
  useLiveRows("customers", list, idOf);
  return { list, exported: nobody || isLooking ? undefined : query, forOthers };
}

function useColumns(): Column<CustomerRow>[] {
  const t = useText(customerText);
  const shared = useText(common);
  return useMemo(
    () => [
      { key: "name", title: t.name, width: 220, sort: "name", render: row => <Name row={row} /> },
      {
        key: "phone",
        title: t.phone,
        width: 130,
        render: row => <span className="kam-number">{row.phone ?? "—"}</span>,
      },
      {
        key: "status",
        title: t.state,
        width: 90,
        render: row => (row.status ? word(shared.customerStatus, row.status) : "—"),
      },
      {
        key: "alerts",
        title: t.openAlerts,
        width: 80,
        align: "end",
        render: row => <Count of="alerts" row={row} n={row.open_alerts} />,
      },
      {
        key: "work",
        title: t.openWork,
        width: 80,
        align: "end",
        render: row => <Count of="work" row={row} n={row.open_work} />,
      },
      {
        key: "fee",
        title: t.fee,
        width: 120,
        align: "end",
        sort: "fee",
        render: row => <Money fen={row.monthly_fee_fen} />,
      },
      { key: "plan", title: t.plan, width: 130, render: row => row.plan_code ?? "—" },
      { key: "opened", title: t.opened, width: 110, sort: "opened", render: row => row.opened_on ?? "—" },
      { key: "manager", title: t.manager, width: 120, render: row => row.manager_name ?? row.manager_id ?? "—" },
      { key: "city", title: t.city, width: 90, render: row => (row.city ? cityName(row.city) : "—") },
    ],
    [t, shared],
  );
}

function Name({ row }: { row: CustomerRow }) {
  const t = useText(customerText);
  return (
    <span className={styles.clip}>
      <Link to={pathOf(row)} tabIndex={-1} onClick={event => event.stopPropagation()}>
        {row.customer_name ?? row.customer_id}
      </Link>
      {row.do_not_disturb && <MutedOutlined className={styles.icon} aria-label={t.flags.doNotDisturb} />}
      {row.role === "key_contact" && <KeyOutlined className={styles.icon} aria-label={t.flags.keyContact} />}
      {row.customer_kind === "corporate" && <span className="kam-secondary"> {t.kind.corporate}</span>}
    </span>
  );
}

/** A number opens exactly the rows counted. */
function Count({ of, row, n }: { of: "alerts" | "work"; row: CustomerRow; n: number }) {
  return n > 0 ? (
    <Link
      to={`/${of}?customer=${encodeURIComponent(row.customer_id)}${of === "work" ? "&whose=all" : ""}`}
      tabIndex={-1}
      onClick={event => event.stopPropagation()}
    >
      {number(n)}
    </Link>
  ) : (
    <span className="kam-secondary">0</span>
  );
}

interface CardsProps {
  rows: readonly CustomerRow[];
  place: Place;
  hasMore: boolean;
  onMore: () => void;
}

function Cards({ rows, place, hasMore, onMore }: CardsProps) {
  const t = useText(customerText);
  const shared = useText(common);
  const frame = useRef<HTMLUListElement>(null);
  usePlace(frame, place);
  return (
    <ul ref={frame} className={styles.cards} aria-label={t.list}>
      {rows.map(row => (
        <li key={row.customer_id} data-row-key={row.customer_id}>
          <Link className={styles.cardLink} to={pathOf(row)}>
            <span className={styles.row}>
              <b>{row.customer_name ?? row.customer_id}</b>
              {row.do_not_disturb && <MutedOutlined aria-label={t.flags.doNotDisturb} />}
              <span className="kam-secondary kam-number">{row.phone ?? ""}</span>
              <span className={styles.end}>
                {row.status && row.status !== "active" && word(shared.customerStatus, row.status)}
              </span>
            </span>
            <span className={styles.row}>
              <Money fen={row.monthly_fee_fen} />
              <span className="kam-secondary">{row.manager_name ?? row.manager_id}</span>
              <span className={styles.end}>
                {t.openAlerts} {row.open_alerts} · {t.openWork} {row.open_work}
              </span>
            </span>
          </Link>
        </li>
      ))}
      {hasMore && (
        <li>
          <button type="button" className={styles.more} onClick={onMore}>
            {t.older}
          </button>
        </li>
      )}
    </ul>
  );
}
