import { Button, Modal, Segmented, Select } from "antd";
import { useState } from "react";
import { useAlertCommands } from "@/alerts/commands";
import { isOpen } from "@/alerts/row";
import { brief, plain } from "@/alerts/sentence";
import { useAlert } from "@/alerts/useItem";
import { useTelling } from "@/alerts/useTelling";
import { DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { FilterBar } from "@/components/FilterBar";
import { AsOf } from "@/components/Freshness";
import { later } from "@/components/later";
import { NewPill } from "@/components/NewPill";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { number } from "@/format";
import { useBreadth } from "@/habits/element";
import { useFilters } from "@/habits/filters";
import { useKept } from "@/habits/kept";
import { OverPage, useShortcuts } from "@/habits/shortcuts";
import { common, useText, word } from "@/i18n";
import { ExportButton } from "@/jobs/ExportButton";
import { ColumnChooser } from "@/lists/ColumnChooser";
import { useColumns } from "@/lists/columns";
import { SavedViews } from "@/lists/SavedViews";
import { StaleNote } from "@/lists/StaleNote";
import { actingAfter, hereOf, targetOf } from "@/lists/target";
import { useLiveRows } from "@/lists/useLiveRows";
import { useOpenItem } from "@/lists/useOpenItem";
import { useMaySoon } from "@/session/rights";
import { useMe } from "@/session/session";
import { Actions } from "./Actions";
import styles from "./alerts.module.css";
import { Cards } from "./Cards";
import { ALL, BESIDE, columnsOf, FIRST, FIXED } from "./columns";
import { type AlertRow, FIELDS, OPEN_STATES } from "./fields";
import { alertsText } from "./messages";
import { Shadows } from "./Shadows";
import { idOf, useAlerts } from "./useAlerts";
import { useControls } from "./useControls";

/** They come when they are opened: a table is much to read already. */
const AlertPanel = later(async () => (await import("@/alerts/AlertPanel")).AlertPanel);
const HandOver = later(async () => (await import("@/work/HandOver")).HandOver);
/** Who does what alerts ask for; others look. */
const ACTING = ["manager", "head", "city_head"];
/** Who as a rule may see what rules in shadow raise: their tab is there from the first paint. */
const SHADOWING = ["analyst", "administrator"];

export default function Alerts() {
  const t = useText(alertsText);
  const shared = useText(common);
  const me = useMe();
  const telling = useTelling();
  const breadth = useBreadth();
  const isPhone = breadth === "phone";
  const filters = useFilters(FIELDS);
  const { list, counts, exported, forOthers } = useAlerts(filters);
  const [chosen, choose] = useColumns("alerts");
  const [current, setCurrent] = useKept<string | undefined>("alerts/current", undefined);
  const here = hereOf(list.rows.map(idOf), current);
  const [kept, setSelected] = useKept<string[]>("alerts/selected", []);
  // What is not in sight is not acted on.
  const selected = kept.filter(id => list.rows.some(row => row.alert_id === id));
  const [isSelecting, setSelecting] = useState(false);
  const [acting, setActing] = useState<string>();
  const onActing = (id: string, open: boolean): void => setActing(now => actingAfter(now, id, open));
  const [handingOver, setHandingOver] = useState<readonly string[]>();
  const mayShadow = useMaySoon("rules", "change", SHADOWING);
  const isShadow = mayShadow && filters.filter.shadow === "1";
  const mayAct = ACTING.includes(me.role);
  useLiveRows<AlertRow>("alerts", list, idOf);

  const { opened, show } = useOpenItem("/alerts", {
    ids: list.rows.map(idOf),
    current: here,
    onCurrent: setCurrent,
    forOthers,
  });
  const openedAlert = useAlert(opened);
  const rowOf = (id: string | undefined): AlertRow | undefined => list.rows.find(row => row.alert_id === id);
  const commands = useAlertCommands((ids, state) =>
    list.change(list.rows.filter(row => ids.includes(row.alert_id)).map(row => ({ ...row, state }))),
  );
  const acknowledge = (ids: readonly string[]): void => {
    const open = ids.filter(id => rowOf(id)?.state !== "acted");
    if (mayAct && open.length > 0) {
      void commands.acknowledge(open);
      setSelected([]);
    }
  };
  const acted = (id: string): void => {
    const row = rowOf(id);
    if (row) {
      list.change([{ ...row, state: "acted", work_state: "acted" }]);
    }
  };

  const target = (): string[] => targetOf(selected, opened, here);
  const group = shared.shortcuts.item;
  useShortcuts([
    { keys: "a", label: shared.action.acknowledge, group, run: () => target().length > 0 && acknowledge(target()) },
    {
      keys: "e",
      label: shared.action.act,
      group,
      run: () => {
        const row = rowOf(opened ?? here);
        return row && mayAct && isOpen(row) ? setActing(row.alert_id) : false;
      },
    },
    {
      keys: "t",
      label: shared.action.handOver,
      group,
      run: () => (mayAct && target().length > 0 ? setHandingOver(target()) : false),
    },
  ]);

  const shown = chosen ?? FIRST;
  const isBeside = opened !== undefined && breadth === "desktop";
  const columns = columnsOf({
    t,
    shared,
    telling,
    isBeside,
    isLeaving: id => list.leaving.has(id),
    mayAct,
    acting: opened ? undefined : acting,
    onAct: onActing,
    onActed: row => acted(row.alert_id),
    onAcknowledge: row => acknowledge([row.alert_id]),
  }).filter(({ key }) => (FIXED.includes(key) || shown.includes(key)) && (!isBeside || BESIDE.includes(key)));
  const controls = useControls(filters.filter, list.rows);
  const state = filters.filter.state;
  const tab = isShadow
    ? "shadow"
    : filters.filter.suppressed === "1"
      ? "suppressed"
      : filters.filter.escalated === "1"
        ? "escalated"
        : state.length === 1 && state[0] === "raised"
          ? "unacknowledged"
          : state.length === OPEN_STATES.length && OPEN_STATES.every(each => state.includes(each))
            ? "open"
            : "";
  const n = (count: number | null | undefined): string =>
    count === null || count === undefined ? "" : ` ${number(count)}`;
  const newest = list.waiting[0];
  const page = list.query.data;
  const empty = (
    <EmptyState text={filters.changed > 0 || filters.text ? t.empty : t.emptyDay}>
      {(filters.changed > 0 || filters.text !== "") && (
        <Button onClick={filters.clear}>{shared.action.clearFilters}</Button>
      )}
    </EmptyState>
  );
  const openedRow = rowOf(opened);
  const title = openedRow
    ? `${word(shared.kindLong, openedRow.kind)} · ${openedRow.customer_name ?? openedRow.customer_id}`
    : openedAlert.data
      ? `${word(shared.kindLong, openedAlert.data.kind)} · ${openedAlert.data.customer_id}`
      : t.list;

  return (
    <Page
      title={shared.nav.alerts}
      fill
      waiting={list.waiting.length}
      extra={
        <>
          <div className={styles.tabs}>
            <Segmented
              aria-label={t.tabs.label}
              value={tab}
              onChange={value =>
                filters.set({
                  state: value === "unacknowledged" ? ["raised"] : [...OPEN_STATES],
                  escalated: value === "escalated" ? "1" : "",
                  suppressed: value === "suppressed" ? "1" : "",
                  shadow: value === "shadow" ? "1" : "",
                })
              }
              options={[
                { value: "open", label: `${t.tabs.open}${n(counts?.open)}` },
                { value: "unacknowledged", label: `${t.tabs.unacknowledged}${n(counts?.unacknowledged)}` },
                { value: "escalated", label: `${t.tabs.escalated}${n(counts?.escalated)}` },
                { value: "suppressed", label: `${t.tabs.suppressed}${n(counts?.suppressed)}` },
                ...(mayShadow ? [{ value: "shadow", label: t.tabs.shadow }] : []),
              ]}
            />
            <SavedViews page="alerts" columns={shown} onColumns={choose} />
          </div>
          <StaleNote asOf={page?.as_of} secondsBehind={page?.seconds_behind} isRebuilding={page?.rebuilding} />
        </>
      }
    >
      {isShadow ? (
        <Shadows rules={filters.filter.rule} onRules={rule => filters.set({ rule })} />
      ) : (
        <WithPanel
          title={title}
          onClose={() => show(undefined)}
          panel={
            opened ? (
              <AlertPanel
                what={title}
                waiting={<Skeletons n={4} />}
                id={opened}
                actions={alert => (
                  <Actions
                    alert={alert}
                    row={rowOf(alert.alert_id)}
                    mayAct={mayAct}
                    isActing={acting === alert.alert_id}
                    onActing={open => onActing(alert.alert_id, open)}
                    onActed={() => acted(alert.alert_id)}
                    onAcknowledge={() => void commands.acknowledge([alert.alert_id])}
                    onHandOver={() => setHandingOver([alert.alert_id])}
                  />
                )}
              />
            ) : null
          }
        >
          {selected.length > 0 ? (
            <div className={styles.bulk} role="toolbar" aria-label={shared.filter.selected(selected.length)}>
              <b>{shared.filter.selected(selected.length)}</b>
              {list.rows.length > selected.length && (
                <Button type="link" size="small" onClick={() => setSelected(list.rows.map(idOf))}>
                  {t.selectAll(list.rows.length)}
                </Button>
              )}
              {mayAct && (
                <>
                  <Button loading={commands.isBusy} onClick={() => acknowledge(selected)}>
                    {shared.action.acknowledge} <kbd>a</kbd>
                  </Button>
                  <Button onClick={() => setHandingOver(selected)}>{shared.action.handOver}</Button>
                </>
              )}
              <Button
                type="text"
                onClick={() => {
                  setSelected([]);
                  setSelecting(false);
                }}
              >
                {shared.action.cancel}
              </Button>
            </div>
          ) : (
            <FilterBar fields={FIELDS} filters={filters} text={t.find} controls={controls}>
              {isPhone ? (
                <>
                  <Select
                    aria-label={t.sortBy}
                    value={filters.filter.sort}
                    onChange={sort => filters.set({ sort })}
                    options={(["due", "severity", "-raised", "-amount"] as const).map(value => ({
                      value,
                      label: t.sorts[value],
                    }))}
                  />
                  {mayAct && <Button onClick={() => setSelecting(!isSelecting)}>{t.select}</Button>}
                </>
              ) : (
                <ColumnChooser
                  columns={ALL.map(key => ({
                    key,
                    label: t.column[key as keyof typeof t.column],
                    fixed: FIXED.includes(key),
                  }))}
                  shown={shown}
                  onShow={choose}
                />
              )}
              {exported && <ExportButton list="alerts" filter={exported} />}
              <span>{shared.filter.total(number(list.total))}</span>
              <AsOf at={page?.as_of} secondsBehind={page?.seconds_behind ?? 0} />
            </FilterBar>
          )}
          <NewPill
            n={list.waiting.length}
            noun={t.newAlerts}
            newest={newest && t.newest(newest.customer_name ?? newest.customer_id, plain(brief(newest, telling)))}
            onShow={list.refresh}
          />
          <QueryBlock
            query={list.query}
            what={t.list}
            skeleton={<Skeletons n={12} />}
            empty={() => (list.rows.length === 0 ? empty : undefined)}
          >
            {() =>
              isPhone ? (
                <Cards
                  rows={list.rows}
                  place={list.place}
                  telling={telling}
                  isLeaving={id => list.leaving.has(id)}
                  mayAct={mayAct}
                  isSelecting={isSelecting || selected.length > 0}
                  selected={selected}
                  onSelect={setSelected}
                  onOpen={row => show(row.alert_id)}
                  onAcknowledge={row => acknowledge([row.alert_id])}
                  onActed={row => acted(row.alert_id)}
                  hasMore={list.hasMore}
                  isReadingMore={list.isReadingMore}
                  onMore={list.more}
                />
              ) : (
                <DataTable
                  label={t.list}
                  rows={list.rows}
                  idOf={idOf}
                  columns={columns}
                  total={list.total}
                  current={opened ?? current}
                  onCurrent={setCurrent}
                  onOpen={row => show(row.alert_id)}
                  selected={selected}
                  onSelect={mayAct ? setSelected : undefined}
                  sort={filters.filter.sort}
                  onSort={sort => filters.set({ sort: sort || "due" })}
                  isDimmed={row => list.leaving.has(row.alert_id)}
                  onEnd={list.more}
                  place={list.place}
                />
              )
            }
          </QueryBlock>
        </WithPanel>
      )}
      {handingOver && (
        <OverPage>
          <HandOver
            what={shared.action.handOver}
            frame={told => (
              <Modal open footer={null} onCancel={() => setHandingOver(undefined)}>
                {told}
              </Modal>
            )}
            ids={handingOver}
            onClose={() => setHandingOver(undefined)}
            onConfirm={async (to, note) => {
              const isDone = (await commands.handOver(handingOver, to, note)).length > 0;
              if (isDone) {
                setSelected([]);
              }
              return isDone;
            }}
          />
        </OverPage>
      )}
    </Page>
  );
}
