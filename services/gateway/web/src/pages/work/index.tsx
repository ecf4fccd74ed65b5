import { DownOutlined } from "@ant-design/icons";
import { Button, Dropdown, Segmented } from "antd";
import { useCallback, useId, useState } from "react";
import { brief, plain } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { EmptyState } from "@/components/EmptyState";
import { FilterBar } from "@/components/FilterBar";
import { AsOf } from "@/components/Freshness";
import { NewPill } from "@/components/NewPill";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { number } from "@/format";
import { useFilters } from "@/habits/filters";
import { useKept } from "@/habits/kept";
import { OverPage, useShortcuts } from "@/habits/shortcuts";
import { common, useText, word } from "@/i18n";
import { ExportButton } from "@/jobs/ExportButton";
import { usePlaceControls } from "@/lists/placeControls";
import { SavedViews } from "@/lists/SavedViews";
import { StaleNote } from "@/lists/StaleNote";
import { actingAfter, hereOf, targetOf } from "@/lists/target";
import { useLiveRows } from "@/lists/useLiveRows";
import { useOpenItem } from "@/lists/useOpenItem";
import { useMe } from "@/session/session";
import { type Outcome, outcomesOf } from "@/work/choices";
import { useWorkCommands } from "@/work/commands";
import { factsOf } from "@/work/facts";
import { HandOver } from "@/work/HandOver";
import { Closing } from "./Closing";
import { FIELDS, FIELDS_OF_OTHERS, KINDS, STATES, sayWhose, WHOSE, type WorkRow } from "./fields";
import { Item } from "./Item";
import { workPageText } from "./messages";
import { useClaim } from "./useClaim";
import { useFolds } from "./useFolds";
import { idOf, useWork } from "./useWork";
import { WorkList } from "./WorkList";
import { WorkPanel } from "./WorkPanel";
import styles from "./work.module.css";

/** What the person sees without a filter: a manager their own customers, a head a unit. */
const SCOPES: Readonly<Record<string, "customers" | "unit">> = { manager: "customers", head: "unit" };
/** Who may only look. */
const LOOKING = ["analyst"];

export default function Work() {
  const t = useText(workPageText);
  const shared = useText(common);
  const me = useMe();
  const telling = useTelling();
  const prefix = useId();
  const filters = useFilters((me.manager_id ? FIELDS : FIELDS_OF_OTHERS) as typeof FIELDS);
  const { list, counts, groups, exported, forOthers } = useWork(filters, me.manager_id);
  const [current, setCurrent] = useKept<string | undefined>("work/current", undefined);
  const folds = useFolds(groups);
  const here = hereOf(folds.rows.map(idOf), current);
  const [kept, setSelected] = useKept<string[]>("work/selected", []);
  // What is not in sight is not acted on.
  const selected = kept.filter(id => list.rows.some(row => row.work_id === id));
  const [acting, setActing] = useState<string>();
  const [handingOver, setHandingOver] = useState<readonly string[]>();
  const [closing, setClosing] = useState<readonly string[]>();
  const places = usePlaceControls();
  const mayAct = !LOOKING.includes(me.role);
  const rowId = useCallback((id: string) => `${prefix}-${id}`, [prefix]);
  useLiveRows<WorkRow>("work", list, idOf);

  const { opened, show } = useOpenItem("/work", {
    ids: groups.flatMap(each => each.rows.map(idOf)),
    current: here,
    onCurrent: setCurrent,
    forOthers: query => {
      sayWhose(query, filters.filter, me.manager_id);
      return forOthers(query);
    },
  });
  const rowOf = (id: string | undefined): WorkRow | undefined => list.rows.find(row => row.work_id === id);
  const commands = useWorkCommands((ids, change) =>
    list.change(list.rows.filter(row => ids.includes(row.work_id)).map(row => ({ ...row, ...change }))),
  );
  const run = async (ids: readonly string[], what: (ids: readonly string[]) => Promise<boolean>): Promise<boolean> => {
    const isDone = mayAct && ids.length > 0 && (await what(ids));
    if (isDone) {
      setSelected([]);
    }
    return isDone;
  };
  const acted = (id: string): void => {
    const row = rowOf(id);
    if (row) {
      list.change([{ ...row, state: "acted", revision: row.revision + 1 }]);
    }
  };

  const target = (): string[] => targetOf(selected, opened, here);
  const isOpen = (id: string | undefined): boolean => rowOf(id)?.state !== "closed";
  const group = shared.shortcuts.item;
  useShortcuts([
    {
      keys: "a",
      label: shared.action.accept,
      group,
      run: () => {
        const ids = target().filter(id => rowOf(id)?.state === "new" || selected.includes(id));
        return ids.length > 0 ? void run(ids, commands.accept) : false;
      },
    },
    {
      keys: "e",
      label: shared.action.act,
      group,
      run: () => (mayAct && !opened && here && isOpen(here) ? setActing(here) : false),
    },
    {
      keys: "c",
      label: shared.action.close,
      group,
      run: () => (mayAct && target().length > 0 && target().some(isOpen) ? setClosing(target()) : false),
    },
    {
      keys: "t",
      label: shared.action.handOver,
      group,
      run: () => (mayAct && target().length > 0 ? setHandingOver(target()) : false),
    },
  ]);

  const page = list.query.data;
  const openedRow = rowOf(opened);
  const newest = list.waiting[0];
  const whose = filters.filter.whose;
  const scope = SCOPES[me.role] ?? "all";
  // A customer without a manager is in no manager's scope: how many wait in their unit stands beside the tabs.
  const tabs = WHOSE.filter(
    each => (each !== "mine" || me.manager_id) && (each !== "unclaimed" || scope !== "customers"),
  );
  const n = (count: number | undefined): string => (count === undefined ? "" : ` ${number(count)}`);
  const isBare = filters.changed === 0 && filters.text === "";
  const {
    waiting: unclaimed,
    claim,
    isClaiming,
  } = useClaim(Boolean(me.manager_id), id => {
    list.refresh();
    show(id);
  });
  const toggle = (id: string): void =>
    setSelected(selected.includes(id) ? selected.filter(each => each !== id) : [...selected, id]);
  const kindsOf = (ids: readonly string[]): string[] => ids.flatMap(id => rowOf(id)?.kind ?? []);
  const closeMenu = (ids: readonly string[], kind: string) => ({
    items: outcomesOf(kind).map(outcome => ({ key: outcome, label: word(shared.outcome, outcome) })),
    onClick: ({ key }: { key: string }) => void run(ids, each => commands.close(each, key as Outcome)),
  });

  return (
    <Page
      title={shared.nav.work}
      fill
      waiting={list.waiting.length}
      extra={
        <>
          <Segmented
            aria-label={t.tabs.label}
            value={filters.filter.holder ? "" : whose === "all" ? "unit" : whose}
            onChange={value => filters.set({ whose: value, holder: "" })}
            options={tabs.map(value => ({
              value: value as string,
              label: `${t.tabs[value === "unit" ? scope : value]}${n(counts?.[value])}`,
            }))}
          />
          {unclaimed > 0 && list.rows.length > 0 && (
            <span>
              {t.waitingHere(unclaimed)}{" "}
              <Button size="small" loading={isClaiming} onClick={claim}>
                {t.claim}
              </Button>
            </span>
          )}
          <SavedViews page="work" columns={[]} onColumns={() => undefined} />
          <StaleNote
            asOf={page?.as_of}
            secondsBehind={page?.seconds_behind}
            isRebuilding={page?.rebuilding}
            text={t.clocks}
          />
        </>
      }
    >
      <WithPanel
        title={
          openedRow
            ? t.title(word(shared.workKind, openedRow.kind), openedRow.customer_name ?? openedRow.customer_id)
            : t.panel
        }
        onClose={() => show(undefined)}
        panel={
          opened ? (
            <WorkPanel
              id={opened}
              mayAct={mayAct}
              onActed={acted}
              actions={item =>
                mayAct &&
                item.state !== "closed" && (
                  <>
                    {(rowOf(item.work_id)?.state ?? item.state) === "new" && (
                      <Button type="primary" onClick={() => void run([item.work_id], commands.accept)}>
                        {item.manager_id ? shared.action.accept : t.claim} <kbd>a</kbd>
                      </Button>
                    )}
                    <Dropdown trigger={["click"]} menu={closeMenu([item.work_id], item.kind)}>
                      <Button>
                        {shared.action.close} <kbd>c</kbd> <DownOutlined aria-hidden />
                      </Button>
                    </Dropdown>
                    <Button onClick={() => setHandingOver([item.work_id])}>
                      {shared.action.handOver} <kbd>t</kbd>
                    </Button>
                  </>
                )
              }
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
            <Button onClick={() => void run(selected, commands.accept)}>
              {shared.action.accept} <kbd>a</kbd>
            </Button>
            <Button onClick={() => setClosing(selected)}>
              {shared.action.close} <kbd>c</kbd>
            </Button>
            <Button onClick={() => setHandingOver(selected)}>
              {shared.action.handOver} <kbd>t</kbd>
            </Button>
            <Button type="text" onClick={() => setSelected([])}>
              {shared.action.cancel}
            </Button>
          </div>
        ) : (
          <FilterBar
            fields={FIELDS}
            filters={filters}
            text={t.find}
            controls={[
              {
                name: "type",
                label: t.field.type,
                options: KINDS.map(value => ({ value, label: word(shared.workKind, value) })),
              },
              {
                name: "due",
                label: t.field.due,
                options: FIELDS.due.values.map(value => ({ value, label: t.group[value] })),
              },
              {
                name: "state",
                label: t.field.state,
                width: 196,
                options: STATES.map(value => ({ value, label: word(shared.workState, value) })),
              },
              ...places,
            ]}
          >
            {exported && <ExportButton list="work" filter={exported} />}
            <span>{shared.filter.total(number(list.total))}</span>
            <AsOf at={page?.as_of} secondsBehind={page?.seconds_behind ?? 0} />
          </FilterBar>
        )}
        <NewPill
          n={list.waiting.length}
          noun={t.newWork}
          newest={
            newest && t.newest(newest.customer_name ?? newest.customer_id, plain(brief(factsOf(newest), telling)))
          }
          onShow={list.refresh}
        />
        <QueryBlock
          query={list.query}
          what={t.list}
          skeleton={<Skeletons n={8} height={56} />}
          empty={() =>
            list.rows.length > 0 ? undefined : isBare && whose === "mine" && unclaimed > 0 ? (
              <EmptyState text={t.unclaimed(unclaimed)}>
                <Button loading={isClaiming} onClick={claim}>
                  {t.claim}
                </Button>
              </EmptyState>
            ) : (
              <EmptyState text={isBare ? t.emptyMine : t.empty}>
                {!isBare && <Button onClick={filters.clear}>{shared.action.clearFilters}</Button>}
              </EmptyState>
            )
          }
        >
          {() => (
            <WorkList
              groups={groups}
              folds={folds}
              current={opened ?? current}
              onCurrent={setCurrent}
              onShow={row => show(row.work_id)}
              onSelect={mayAct ? toggle : undefined}
              rowId={rowId}
              place={list.place}
              hasMore={list.hasMore}
              isReadingMore={list.isReadingMore}
              onMore={list.more}
              item={row => (
                <Item
                  key={row.work_id}
                  id={rowId(row.work_id)}
                  row={row}
                  telling={telling}
                  isCurrent={(opened ?? current) === row.work_id}
                  isOpen={opened === row.work_id}
                  isLeaving={list.leaving.has(row.work_id)}
                  isSelected={selected.includes(row.work_id)}
                  mayAct={mayAct}
                  saysWho={whose !== "mine"}
                  acting={acting === row.work_id}
                  onActing={open => setActing(now => actingAfter(now, row.work_id, open))}
                  onSelect={() => toggle(row.work_id)}
                  onShow={() => {
                    setCurrent(row.work_id);
                    show(row.work_id);
                  }}
                  onAccept={() => void run([row.work_id], commands.accept)}
                  onActed={() => acted(row.work_id)}
                />
              )}
            />
          )}
        </QueryBlock>
      </WithPanel>
      <OverPage>
        {handingOver && (
          <HandOver
            ids={handingOver}
            onClose={() => setHandingOver(undefined)}
            onConfirm={(to, note) => run(handingOver, ids => commands.handOver(ids, to, note))}
          />
        )}
        {closing && (
          <Closing
            ids={closing}
            kinds={kindsOf(closing)}
            onClose={() => setClosing(undefined)}
            onConfirm={(outcome, note) => run(closing, ids => commands.close(ids, outcome, note))}
          />
        )}
      </OverPage>
    </Page>
  );
}
