import { Button, Segmented } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useAlertCommands } from "@/alerts/commands";
import { type AlertRow, isOpen } from "@/alerts/row";
import { brief, plain } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { NewPill } from "@/components/NewPill";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { longDay, number } from "@/format";
import { useFilters } from "@/habits/filters";
import { useKept } from "@/habits/kept";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText, word } from "@/i18n";
import { actingAfter } from "@/lists/target";
import { useCopy } from "@/lists/useCopyLink";
import { AlertList } from "./AlertList";
import { Changes } from "./Changes";
import { FIELDS, KINDS, pathsOf, SORTS } from "./fields";
import { todayText } from "./messages";
import { Numbers } from "./Numbers";
import { Reminders } from "./Reminders";
import { ScopeSelect } from "./ScopeSelect";
import { StaleToday } from "./StaleToday";
import styles from "./today.module.css";
import { useAnnounced } from "./useAnnounced";
import { useDay, useDayAlerts } from "./useToday";

/** Where an account manager's day begins: what is new, what is due, what happened since yesterday. */
export default function Today() {
  const t = useText(todayText);
  const shared = useText(common);
  const copy = useCopy();
  const telling = useTelling();
  const navigate = useNavigate();
  const filters = useFilters(FIELDS);
  const { filter } = filters;
  const day = useDay(filter);
  const fresh = useDayAlerts(filter, "fresh");
  const known = useDayAlerts(filter, "known");
  const [current, setCurrent] = useKept<string | undefined>("today/current", undefined);
  const [acting, setActing] = useState<string>();
  const [isUnfolded, setUnfolded] = useKept("today/unfolded", false);
  const both = [fresh, known];

  const onState = (ids: readonly string[], change: Partial<AlertRow>): void => {
    for (const list of both) {
      list.change(list.rows.filter(row => ids.includes(row.alert_id)).map(row => ({ ...row, ...change })));
    }
  };
  const commands = useAlertCommands((ids, state) => onState(ids, { state }));
  const acknowledge = (row: AlertRow): void => void commands.acknowledge([row.alert_id]);
  const shown = [...fresh.rows, ...(isUnfolded ? known.rows : [])];
  const at = shown.findIndex(row => row.alert_id === current);
  const refresh = (): void => {
    for (const list of both) {
      list.refresh();
    }
    void day.refetch();
  };
  const move = (by: number): boolean => {
    const next = shown[Math.max(0, Math.min(shown.length - 1, at < 0 ? 0 : at + by))];
    setCurrent(next?.alert_id);
    return next !== undefined;
  };
  /** A command on the card that the keys stand on. */
  const on = (run: (row: AlertRow) => unknown) => (): unknown => {
    const row = shown[at];
    return row ? run(row) : false;
  };
  const { list: listGroup, item: itemGroup } = shared.shortcuts;
  useShortcuts([
    { keys: "j", label: shared.shortcuts.next, group: listGroup, run: () => move(1) },
    { keys: "k", label: shared.shortcuts.previous, group: listGroup, run: () => move(-1) },
    {
      keys: "Enter",
      label: shared.shortcuts.open,
      group: listGroup,
      run: event =>
        event.target instanceof HTMLElement && event.target.closest("a, button, input, select")
          ? false
          : on(row => void navigate(`/alerts/${encodeURIComponent(row.alert_id)}`))(),
    },
    {
      keys: "a",
      label: shared.action.acknowledge,
      group: itemGroup,
      run: on(row => (row.state === "raised" && isOpen(row) ? acknowledge(row) : false)),
    },
    {
      keys: "e",
      label: shared.action.act,
      group: itemGroup,
      run: on(row => (isOpen(row) ? setActing(row.alert_id) : false)),
    },
    {
      keys: "w",
      label: shared.action.why,
      group: itemGroup,
      run: on(row => void navigate(`/why/${encodeURIComponent(row.alert_id)}`)),
    },
    {
      keys: "y",
      label: shared.action.copyLink,
      group: itemGroup,
      run: on(row => void copy(`/alerts/${encodeURIComponent(row.alert_id)}`)),
    },
  ]);

  const { waiting } = fresh;
  const urgent = waiting.filter(row => row.severity === "critical").length;
  const announced = useAnnounced(waiting.length > 0 ? t.announced(waiting.length, urgent) : "");
  const newest = waiting[0];
  const paths = pathsOf(filter, day.data?.since ?? "");
  const onActing = (id: string, open: boolean): void => setActing(now => actingAfter(now, id, open));
  const card = { telling, current, acting, onActing, onAcknowledge: acknowledge };
  const acted = (row: AlertRow): void => onState([row.alert_id], { state: "acted", work_state: "acted" });
  const asOf = <AsOf at={day.data?.as_of} secondsBehind={day.data?.seconds_behind ?? 0} />;
  const nothing =
    day.data?.has_customers === false ? (
      <EmptyState text={t.nobody} />
    ) : filter.kind ? (
      <EmptyState text={t.emptyKind}>
        <Button onClick={() => filters.set({ kind: "" })}>{t.allKinds}</Button>
      </EmptyState>
    ) : (
      <EmptyState text={t.empty}>
        {(day.data?.numbers.contracts_ending ?? 0) > 0 && (
          <>
            {t.contracts(day.data?.numbers.contracts_ending ?? 0)}
            <Button onClick={() => void navigate(paths.contracts)}>{t.look}</Button>
          </>
        )}
      </EmptyState>
    );

  return (
    <Page
      title={shared.nav.today}
      waiting={waiting.length}
      extra={
        <>
          <span>{longDay(telling.now, telling.language)}</span>
          <ScopeSelect scope={filter.scope} onScope={scope => filters.set({ scope })} />
          {asOf}
          <StaleToday day={day.data} />
        </>
      }
    >
      <output className="kam-hidden">{announced}</output>
      <QueryBlock
        query={day}
        what={t.numbers}
        skeleton={<Skeletons n={4} like={{ grid: styles.numbers, box: styles.box }} />}
      >
        {found => <Numbers day={found} paths={paths} />}
      </QueryBlock>
      <div className={styles.columns}>
        <section className={styles.live} aria-labelledby="live-alerts">
          <div className={styles.bar}>
            <h2 id="live-alerts">{t.alerts}</h2>
            <Segmented
              aria-label={t.kinds}
              size="small"
              value={filter.kind}
              onChange={kind => filters.set({ kind })}
              options={["", ...KINDS].map(value => ({
                value,
                label: value ? word(shared.kind, value) : shared.filter.all,
              }))}
            />
            <select
              className={styles.sort}
              aria-label={t.sortBy}
              value={filter.sort}
              onChange={event => filters.set({ sort: event.target.value })}
            >
              {SORTS.map(sort => (
                <option key={sort} value={sort}>
                  {t.sorts[sort]}
                </option>
              ))}
            </select>
            {fresh.leaving.size > 0 && (
              <Button size="small" type="link" onClick={refresh}>
                {t.moveOut(fresh.leaving.size)}
              </Button>
            )}
          </div>
          <div className={styles.pill}>
            <NewPill
              n={waiting.length}
              noun={t.newAlerts}
              newest={newest && t.newest(newest.customer_name ?? newest.customer_id, plain(brief(newest, telling)))}
              onShow={refresh}
            />
          </div>
          <QueryBlock
            query={fresh.query}
            what={t.alerts}
            skeleton={<Skeletons n={6} height={124} />}
            empty={() => (fresh.rows.length === 0 ? nothing : undefined)}
          >
            {() => <AlertList label={t.alerts} list={fresh} {...card} onActed={acted} onCurrent={move} />}
          </QueryBlock>
          {known.total > 0 && (
            <section aria-label={t.known(number(known.total))}>
              <button
                type="button"
                className={styles.fold}
                aria-expanded={isUnfolded}
                onClick={() => setUnfolded(!isUnfolded)}
              >
                <span aria-hidden>{isUnfolded ? "▾" : "▸"}</span> {t.known(number(known.total + known.waiting.length))}
              </button>
              {isUnfolded && <AlertList label={t.known(number(known.total))} list={known} {...card} onActed={acted} />}
            </section>
          )}
        </section>
        <aside className={styles.side}>
          <section className={styles.block} aria-labelledby="reminders">
            <header className={styles.blockHead}>
              <h2 id="reminders">
                {t.reminders} {day.data ? number(day.data.reminders_total) : ""}
              </h2>
              {asOf}
            </header>
            <QueryBlock query={day} what={t.reminders} skeleton={<Skeletons n={4} height={44} />}>
              {found => <Reminders day={found} telling={telling} onDone={refresh} />}
            </QueryBlock>
          </section>
          <section className={styles.block} aria-labelledby="since">
            <header className={styles.blockHead}>
              <h2 id="since">{t.since}</h2>
              {asOf}
            </header>
            <QueryBlock query={day} what={t.since} skeleton={<Skeletons n={5} height={24} />}>
              {found => <Changes day={found} paths={paths} />}
            </QueryBlock>
          </section>
        </aside>
      </div>
    </Page>
  );
}
