import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Drawer } from "antd";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { SmsTag } from "@/alerts/SmsTag";
import { brief } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { answer, api, type Schema } from "@/api/client";
import { BlockError } from "@/components/BlockError";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { Sentence } from "@/components/Sentence";
import { Skeletons } from "@/components/Skeletons";
import { StateTag } from "@/components/StateTag";
import { ShortTime } from "@/components/Time";
import { common, useText, word } from "@/i18n";
import { ExportButton } from "@/jobs/ExportButton";
import type { RowsAsked } from "./address";
import { rowsText } from "./messages";
import styles from "./rows.module.css";
import type { OpenedRows } from "./useRows";

const PAGE = 100;
type Row = Schema<"AlertRow"> | Schema<"WorkRow"> | Schema<"SmsRow"> | Schema<"CustomerRow">;

async function read({ list, filter }: RowsAsked, cursor: string | undefined, signal: AbortSignal) {
  const init = { params: { query: { ...filter, cursor, limit: PAGE } as object }, signal };
  switch (list) {
    case "alerts":
      return answer(api.GET("/v1/lists/alerts", init));
    case "work":
      return answer(api.GET("/v1/lists/work", init));
    case "sms":
      return answer(api.GET("/v1/lists/sms", init));
    case "customers":
      return answer(api.GET("/v1/lists/customers", init));
  }
}

/** The rows behind a number, beside the page: as many as it says, or how many more there are by now. */
export function RowsDrawer({ rows: { asked, close } }: { rows: OpenedRows }) {
  return (
    <Drawer
      open={asked !== undefined}
      onClose={close}
      size={760}
      destroyOnHidden
      title={asked && <Title asked={asked} />}
    >
      {asked && <Rows asked={asked} />}
    </Drawer>
  );
}

function Title({ asked }: { asked: RowsAsked }) {
  const t = useText(rowsText);
  return word(t.title, asked.list);
}

function Rows({ asked }: { asked: RowsAsked }) {
  const t = useText(rowsText);
  const query = useInfiniteQuery({
    queryKey: ["rows", asked.list, asked.filter],
    queryFn: ({ pageParam, signal }) => read(asked, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: page => page.next ?? undefined,
  });
  const first = query.data?.pages[0];
  if (query.isPending) {
    return <Skeletons n={8} />;
  }
  if (!first) {
    return <BlockError what={word(t.title, asked.list)} error={query.error} retry={() => void query.refetch()} />;
  }
  const rows: readonly Row[] = (query.data?.pages ?? []).flatMap(page => page.rows as Row[]);
  const since = asked.count === undefined ? 0 : first.total - asked.count;
  return (
    <div className={styles.frame}>
      <div className={styles.head}>
        <output>
          {t.total(first.total)}
          {since !== 0 && ` · ${since > 0 ? t.more(since) : t.fewer(-since)}`}
        </output>
        <AsOf at={first.as_of} secondsBehind={first.seconds_behind ?? 0} />
        <ExportButton list={asked.list} filter={asked.filter} />
      </div>
      {rows.length === 0 ? (
        <EmptyState text={t.none} />
      ) : (
        <ul className={styles.list} aria-label={word(t.title, asked.list)}>
          {rows.map(row => (
            <li key={keyOf(row)}>
              <One row={row} />
            </li>
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button block loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t.next}
        </Button>
      )}
    </div>
  );
}

function keyOf(row: Row): string {
  return "sms_id" in row
    ? row.sms_id
    : "work_id" in row && "queue" in row
      ? row.work_id
      : "rule" in row
        ? row.alert_id
        : row.customer_id;
}

function One({ row }: { row: Row }) {
  const t = useText(rowsText);
  const words = useText(common);
  const telling = useTelling();
  let what: ReactNode = null;
  let state: ReactNode = null;
  let at: string | null = null;
  if ("sms_id" in row) {
    what = `${row.template} · ${row.phone ?? ""}`;
    state = <SmsTag state={row.state} reason={row.reason} />;
    at = row.planned_at;
  } else if ("queue" in row) {
    what = <Link to={`/work/${encodeURIComponent(row.work_id)}`}>{word(words.workKind, row.kind)}</Link>;
    state = <StateTag of="work" state={row.state} outcome={row.outcome ?? undefined} />;
    at = row.opened_at;
  } else if ("rule" in row) {
    what = (
      <Link to={`/alerts/${encodeURIComponent(row.alert_id)}`}>
        {word(words.kind, row.kind)} · <Sentence parts={brief(row, telling)} />
      </Link>
    );
    state = <StateTag of="alert" state={row.state} outcome={row.outcome ?? undefined} />;
    at = row.raised_at;
  }
  return (
    <div className={styles.row}>
      <div className={styles.first}>
        <Link to={`/customers/${encodeURIComponent(row.customer_id)}`}>{row.customer_name ?? row.customer_id}</Link>
        <span className="kam-secondary kam-small">
          {t.manager} {row.manager_name ?? row.manager_id ?? "—"}
        </span>
      </div>
      <div className={styles.what}>{what}</div>
      <div className={styles.state}>
        {state}
        {at && (
          <span className="kam-secondary kam-small">
            <ShortTime at={at} />
          </span>
        )}
      </div>
    </div>
  );
}
