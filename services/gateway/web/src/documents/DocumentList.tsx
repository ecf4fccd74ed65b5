import { Select } from "antd";
import { type ReactNode, Suspense, useState } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { Boundary } from "@/components/Boundary";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { useLanguage, useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { useVersions } from "./api";
import styles from "./documents.module.css";
import { KindTabs } from "./KindTabs";
import type { KindRow } from "./kinds";
import { documentsText } from "./messages";
import { byDocument, type Versions } from "./model";
import { NewDocument } from "./NewDocument";
import { Panel } from "./Panel";

interface Props {
  row: KindRow;
  id?: string;
  /** Columns of its own, behind name and state. */
  columns?: readonly Column<Versions>[];
  /** Beside id and state of the document that is open. */
  head?: (document: Versions) => ReactNode;
}

/** The documents of a kind, and the one that is open. */
export function DocumentList({ row, id, columns: own, head }: Props) {
  const t = useText(documentsText);
  const language = useLanguage();
  const navigate = useNavigate();
  const [query, setQuery] = useSearchParams();
  const states = (query.get("state") ?? "").split(",").filter(Boolean);
  const mayChange = useMayEverywhere("rules", "change");
  const [current, setCurrent] = useState<string>();
  const all = useVersions(row.kind);
  const documents = byDocument(all.data ?? []);
  const shown = documents.filter(
    ({ versions }) => !states.length || versions.some(each => states.includes(each.state)),
  );
  const chosen = documents.find(each => each.id === id);
  const nameOf = (document: Versions): string => row.nameOf?.(document.versions[0], language) ?? document.id;
  const open = (next: string | undefined): void =>
    void navigate({
      pathname: next ? `${row.path}/${encodeURIComponent(next)}` : row.path,
      // Which version one looks at is of that document alone; which ones are listed stays.
      search: next === id ? query.toString() : states.length ? `state=${states.join(",")}` : "",
    });
  const filter = (next: readonly string[]): void => {
    const asked = new URLSearchParams(query);
    asked.delete("state");
    if (next.length) {
      asked.set("state", next.join(","));
    }
    setQuery(asked, { replace: true });
  };
  const columns: Column<Versions>[] = [
    {
      key: "name",
      title: t.kinds[row.kind],
      width: 230,
      render: document => (
        <span title={document.id}>
          <span aria-hidden className={styles.on}>
            {document.versions[0].state === "active" ? "●" : "○"}
          </span>{" "}
          {nameOf(document)}
        </span>
      ),
    },
    {
      key: "state",
      title: t.state,
      width: 120,
      render: ({ versions: [first] }) => t.standing(first.version, t.states[first.state]),
    },
    ...(own ?? []),
  ];
  return (
    <Page title={t.kinds[row.kind]} fill extra={<AsOf at={all.dataUpdatedAt || undefined} />}>
      <div className={styles.bar}>
        <KindTabs current={row.kind} />
        <Select
          mode="multiple"
          allowClear
          className={styles.several}
          aria-label={t.state}
          placeholder={t.everyState}
          value={states}
          options={Object.entries(t.states).map(([value, label]) => ({ value, label }))}
          onChange={filter}
        />
        {mayChange && row.blank && <NewDocument row={row} documents={documents} />}
      </div>
      <WithPanel
        title={chosen && nameOf(chosen)}
        panel={
          id &&
          (chosen ? (
            <Boundary what={t.content} resetKey={id}>
              <Suspense fallback={<Skeletons n={8} />}>
                <Panel key={id} row={row} document={chosen} head={head?.(chosen)} />
              </Suspense>
            </Boundary>
          ) : (
            all.isSuccess && !chosen && <EmptyState text={t.noSuch} />
          ))
        }
        onClose={() => open(undefined)}
      >
        <QueryBlock
          query={all}
          what={t.kinds[row.kind]}
          skeleton={<Skeletons n={6} />}
          empty={() => shown.length === 0 && <EmptyState text={states.length ? t.noneOfState : t.none} />}
        >
          {() => (
            <DataTable
              label={t.kinds[row.kind]}
              rows={shown}
              idOf={document => document.id}
              columns={columns}
              current={current ?? id}
              onCurrent={setCurrent}
              onOpen={document => open(document.id)}
            />
          )}
        </QueryBlock>
      </WithPanel>
    </Page>
  );
}
