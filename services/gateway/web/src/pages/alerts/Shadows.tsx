import { useQuery } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { brief } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { answer, api, type Schema } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { LinkButton } from "@/components/LinkButton";
import { QueryBlock } from "@/components/QueryBlock";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { Skeletons } from "@/components/Skeletons";
import { StateTag } from "@/components/StateTag";
import { Ago } from "@/components/Time";
import { number, period } from "@/format";
import { common, useLanguage, useText, word } from "@/i18n";
import styles from "./alerts.module.css";
import { alertsText } from "./messages";

type Shadow = Schema<"ShadowAlertView">;
const idOf = (row: Shadow): string => row.alert_id;

interface Props {
  /** Of these rules alone; empty: of all. */
  rules: readonly string[];
  onRules: (rules: string[]) => void;
}

/** What versions in shadow would have warned of, the newest first; nothing can be done with it but look why. */
export function Shadows({ rules, onRules }: Props) {
  const t = useText(alertsText);
  const shared = useText(common);
  const telling = useTelling();
  const language = useLanguage();
  const navigate = useNavigate();
  const [current, setCurrent] = useState<string>();
  // Each reading stands in the audit: it is done when somebody asks for it.
  const query = useQuery({
    queryKey: ["shadow-alerts"],
    queryFn: ({ signal }) => answer(api.GET("/v1/shadow-alerts", { signal })),
    staleTime: 60_000,
  });
  const all = query.data ?? [];
  const known = [...new Set([...rules, ...all.map(row => row.rule.id)])].sort();
  const rows = all
    .filter(row => rules.length === 0 || rules.includes(row.rule.id))
    .sort((one, other) => other.raised_at.localeCompare(one.raised_at));
  const columns: Column<Shadow>[] = [
    {
      key: "severity",
      title: t.column.severity,
      width: 108,
      render: row => <SeverityTag severity={row.severity} />,
    },
    { key: "kind", title: t.column.kind, width: 72, render: row => word(shared.kind, row.kind) },
    { key: "customer", title: t.column.customer, width: 120, render: row => row.customer_id },
    {
      key: "reason",
      title: t.column.reason,
      width: 360,
      render: row => (
        <span className={styles.reason}>
          <Sentence parts={brief(row, telling)} />
        </span>
      ),
    },
    { key: "rule", title: t.shadow.rule, width: 160, render: row => `${row.rule.id} v${row.rule.version}` },
    {
      key: "period",
      title: t.shadow.period,
      width: 108,
      render: row => (row.period ? period(row.period, language) : ""),
    },
    {
      key: "state",
      title: t.column.state,
      width: 140,
      render: row => <StateTag of="alert" state={row.state} outcome={row.outcome} />,
    },
    { key: "raised", title: t.column.raised, width: 108, render: row => <Ago at={row.raised_at} /> },
  ];
  return (
    <>
      <p className="kam-secondary">{t.shadow.hint}</p>
      <div className={styles.shadowBar}>
        <Select
          mode="multiple"
          allowClear
          className={styles.shadowRules}
          aria-label={t.shadow.rule}
          placeholder={t.shadow.everyRule}
          value={[...rules]}
          options={known.map(value => ({ value, label: value }))}
          popupMatchSelectWidth={false}
          onChange={(next: string[]) => onRules(next)}
        />
        <Button onClick={() => void query.refetch()} loading={query.isFetching}>
          {shared.action.refresh}
        </Button>
        <span>{shared.filter.total(number(rows.length))}</span>
        <AsOf at={query.dataUpdatedAt || undefined} />
      </div>
      <QueryBlock
        query={query}
        what={t.shadow.list}
        skeleton={<Skeletons n={12} />}
        empty={() =>
          rows.length === 0 ? (
            <EmptyState text={rules.length > 0 ? t.shadow.noneOfRule : t.shadow.none}>
              <LinkButton to="/rules">{t.shadow.rules}</LinkButton>
            </EmptyState>
          ) : undefined
        }
      >
        {() => (
          <DataTable
            label={t.shadow.list}
            rows={rows}
            idOf={idOf}
            columns={columns}
            total={rows.length}
            current={current}
            onCurrent={setCurrent}
            onOpen={row => void navigate(`/why/${encodeURIComponent(row.alert_id)}`)}
          />
        )}
      </QueryBlock>
    </>
  );
}
