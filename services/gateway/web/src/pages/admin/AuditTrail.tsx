import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Input, Popover, Select } from "antd";
import { useMemo, useState } from "react";
import { answer, api, type Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { DateField } from "@/dates/DateField";
import { dayOf, exact } from "@/format";
import { useFilters } from "@/habits/filters";
import { common, useText, word } from "@/i18n";
import { auditActions } from "./actions";
import styles from "./admin.module.css";
import { adminText } from "./messages";

type Entry = Schema<"AuditEntry">;

const FIELDS = {
  actor: { kind: "one" },
  action: { kind: "one" },
  object: { kind: "one" },
  correlation_id: { kind: "one" },
  since: { kind: "one" },
  until: { kind: "one" },
} as const;
type Name = keyof typeof FIELDS;
const DATES = ["since", "until"] as const;
const TEXTS = ["actor", "object", "correlation_id"] as const;
const PAGE = 100;

/** The day of a bound that the address gives as a day or as a time. */
const day = (bound: string): string | undefined => (bound.length === 10 ? bound : bound ? dayOf(bound) : undefined);

/** Characters of an object that fit its column. */
const SHORT = 28;

/** A long object on one line, whole at a click: filters of a list may be many, and rows are of one height. */
export function Folded({ text, label }: { text: string; label: string }) {
  if (text.length <= SHORT) {
    return <span>{text}</span>;
  }
  return (
    <Popover trigger="click" title={label} content={<div className={styles.whole}>{text}</div>}>
      <button type="button" className={styles.folded} onClick={event => event.stopPropagation()}>
        {text}
      </button>
    </Popover>
  );
}

/** Who read or changed what: newest first; the reference of a request shows all of its steps. */
export function AuditTrail() {
  const t = useText(adminText);
  const shared = useText(common);
  const did = useText(auditActions);
  const filters = useFilters(FIELDS);
  const [current, setCurrent] = useState<string>();
  const asked = useMemo(
    () => Object.fromEntries(Object.entries(filters.filter).map(([name, value]) => [name, value || undefined])),
    [filters.filter],
  ) as Partial<Record<Name, string>>;
  const query = useInfiniteQuery({
    queryKey: ["admin", "audit", asked],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      answer(api.GET("/v1/admin/audit", { params: { query: { ...asked, cursor: pageParam, limit: PAGE } }, signal })),
    getNextPageParam: page => page.next ?? undefined,
  });
  const rows = query.data?.pages.flatMap(page => page.rows) ?? [];
  const first = query.data?.pages[0];
  const columns: Column<Entry>[] = [
    {
      key: "at",
      title: t.audit.at,
      width: 210,
      render: entry => <span className={styles.line}>{exact(entry.at)}</span>,
    },
    { key: "actor", title: t.audit.actor, width: 110, render: entry => entry.actor },
    { key: "role", title: t.grant.role, width: 124, render: entry => word(shared.role, entry.role) },
    {
      key: "action",
      title: t.audit.action,
      width: 160,
      render: entry => <span title={entry.action}>{word(did, entry.action)}</span>,
    },
    {
      key: "object",
      title: t.audit.object,
      width: 220,
      render: entry => <Folded text={entry.object} label={t.audit.object} />,
    },
    { key: "reason", title: t.audit.reason, width: 160, render: entry => entry.reason ?? "" },
    {
      key: "result",
      title: t.audit.result,
      width: 70,
      render: entry => <span title={entry.result}>{resultText(entry.result, t.audit)}</span>,
    },
    {
      key: "correlation",
      title: t.audit.correlation,
      width: 120,
      render: entry => (
        <Button
          type="link"
          size="small"
          title={entry.correlation_id}
          onClick={() => filters.set({ correlation_id: entry.correlation_id })}
        >
          {entry.correlation_id.slice(0, 8)}
        </Button>
      ),
    },
  ];
  const labels: Record<Name, string> = {
    actor: t.audit.actor,
    action: t.audit.action,
    object: t.audit.object,
    correlation_id: t.audit.correlation,
    since: t.audit.since,
    until: t.audit.until,
  };
  return (
    <>
      <search className={styles.bar} aria-label={t.audit.list}>
        {TEXTS.map(name => (
          <label key={name} className={styles.asked} htmlFor={`audit-${name}`}>
            <span>{labels[name]}</span>
            <Input
              id={`audit-${name}`}
              key={filters.filter[name]}
              allowClear
              maxLength={200}
              defaultValue={filters.filter[name]}
              onPressEnter={event => filters.set({ [name]: event.currentTarget.value.trim() })}
              onBlur={event =>
                event.target.value.trim() !== filters.filter[name] && filters.set({ [name]: event.target.value.trim() })
              }
              onClear={() => filters.set({ [name]: "" })}
            />
          </label>
        ))}
        <label className={styles.asked} htmlFor="audit-action">
          <span>{labels.action}</span>
          <Select
            id="audit-action"
            allowClear
            showSearch
            optionFilterProp="label"
            popupMatchSelectWidth={false}
            value={filters.filter.action || undefined}
            onChange={action => filters.set({ action: action ?? "" })}
            options={Object.entries(did).map(([value, label]) => ({ value, label }))}
          />
        </label>
        {DATES.map(name => (
          <div key={name} className={styles.asked}>
            <span aria-hidden>{labels[name]}</span>
            <DateField
              label={labels[name]}
              value={filters.filter[name]}
              onChange={day => day !== null && filters.set({ [name]: day })}
              min={name === "until" ? day(filters.filter.since) : undefined}
              max={name === "since" ? day(filters.filter.until) : undefined}
              allowClear
              clock="system"
            />
          </div>
        ))}
        {filters.changed > 0 && <Button onClick={filters.clear}>{shared.action.clear}</Button>}
        <AsOf at={first?.as_of} secondsBehind={first?.seconds_behind ?? 0} />
      </search>
      <QueryBlock
        query={query}
        what={t.audit.list}
        skeleton={<Skeletons n={10} />}
        empty={() =>
          rows.length === 0 ? (
            <EmptyState text={t.audit.none}>
              {(asked.since || asked.until) && (
                <Button onClick={() => filters.set({ since: "", until: "" })}>{t.audit.widen}</Button>
              )}
            </EmptyState>
          ) : undefined
        }
      >
        {() => (
          <DataTable
            label={t.audit.list}
            rows={rows}
            idOf={entry => entry.id}
            columns={columns}
            current={current}
            onCurrent={setCurrent}
            onEnd={() => query.hasNextPage && !query.isFetching && void query.fetchNextPage()}
          />
        )}
      </QueryBlock>
    </>
  );
}

function resultText(result: string, words: { done: string; asked: string }): string {
  if (result === "asked") {
    return words.asked;
  }
  return /^2\d\d$/.test(result) ? words.done : result;
}
