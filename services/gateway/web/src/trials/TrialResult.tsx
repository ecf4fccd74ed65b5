import { Descriptions } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import { ChartCard } from "@/components/ChartCard";
import { DataTable } from "@/components/DataTable";
import { SystemTime } from "@/components/Time";
import { number, period } from "@/format";
import { common, useLanguage, useText, word } from "@/i18n";
import { rulesText } from "@/rules/ruleMessages";
import { useMode } from "@/theme/ThemeProvider";
import { palettes } from "@/theme/tokens";
import type { Result } from "./api";
import { monthOptions } from "./chart";
import { trialText } from "./messages";
import styles from "./trials.module.css";

type Warned = Result["added"][number];

/** What a trial came to: by month, whom it adds and who goes, and what became of those who left. */
export function TrialResult({ result, nameOf }: { result: Result; nameOf: (reason: string) => string }) {
  const t = useText(trialText);
  const language = useLanguage();
  const palette = palettes[useMode()];
  return (
    <div className={styles.result}>
      <ul className={styles.tiles}>
        <Tile label={t.alerts} value={number(result.alerts)} />
        <Tile label={t.same} value={number(result.same)} />
        <Tile label={`▲ ${t.added}`} value={number(result.added_count)} />
        <Tile label={`▼ ${t.gone}`} value={number(result.gone_count)} />
        <Tile label={t.customers} value={number(result.customers)} />
      </ul>
      <p className="kam-secondary">
        {t.against(result.against)}
        {result.as_of && (
          <>
            {" · "}
            <SystemTime at={result.as_of} focusable />
          </>
        )}
        {` · ${t.took(result.seconds.toFixed(1))}`}
        {result.unreadable > 0 && ` · ${t.unreadable(result.unreadable)}`}
      </p>
      <ChartCard
        title={t.byMonth}
        options={monthOptions(result, palette, language)}
        table={{
          columns: [t.month, t.alerts, t.same, t.added, t.gone],
          rows: result.months.map(each => [
            period(each.period, language),
            ...[each.alerts, each.same, each.added, each.gone].map(n => number(n)),
          ]),
        }}
      />
      <Outcome result={result} />
      <Customers which="added" rows={result.added} all={result.added_count} nameOf={nameOf} />
      <Customers which="gone" rows={result.gone} all={result.gone_count} nameOf={nameOf} />
    </div>
  );
}

function Tile({ label, value }: { label: string; value: ReactNode }) {
  return (
    <li>
      <span className="kam-secondary">{label}</span>
      <b className="kam-number">{value}</b>
    </li>
  );
}

function Outcome({ result: { outcome, outcome_against, version, against } }: { result: Result }) {
  const t = useText(trialText);
  const told = [
    { name: t.tried(version), of: outcome },
    ...(outcome_against ? [{ name: t.current(against), of: outcome_against }] : []),
  ];
  return (
    <section aria-label={t.outcome} className={styles.part}>
      <h2>{t.outcome}</h2>
      {outcome.left === 0 ? (
        <p className="kam-secondary">{t.noOutcome}</p>
      ) : (
        <>
          {told.map(({ name, of }) => (
            <Descriptions
              key={name}
              size="small"
              title={name}
              column={{ xs: 1, sm: 2, md: 4 }}
              items={[
                { key: "left", label: t.left, children: number(of.left) },
                { key: "caught", label: t.caught, children: number(of.caught) },
                { key: "missed", label: t.missed, children: number(of.missed) },
                { key: "early", label: t.early, children: of.days_early === null ? "—" : t.days(of.days_early) },
              ]}
            />
          ))}
          <p className="kam-small kam-secondary">{t.outcomeNote}</p>
        </>
      )}
    </section>
  );
}

interface CustomersProps {
  which: "added" | "gone";
  rows: readonly Warned[];
  all: number;
  nameOf: (reason: string) => string;
}

/** By number alone: who they are says the customer's page to those who may see it. */
function Customers({ which, rows, all, nameOf }: CustomersProps) {
  const t = useText(trialText);
  const shared = useText(common);
  const rules = useText(rulesText);
  const language = useLanguage();
  const [current, setCurrent] = useState<string>();
  const idOf = (row: Warned): string => `${row.customer_id} ${row.period}`;
  return (
    <section aria-label={t.table[which]} className={styles.part}>
      <h2>
        {t.table[which]} <span className="kam-number">{number(all)}</span>
      </h2>
      {rows.length < all && <p className="kam-secondary">{t.listed(number(rows.length), number(all))}</p>}
      {rows.length === 0 ? (
        <p className="kam-secondary">{t.nobody}</p>
      ) : (
        <div className={styles.table}>
          <DataTable
            label={t.table[which]}
            rows={rows}
            idOf={idOf}
            total={all}
            current={current}
            onCurrent={setCurrent}
            columns={[
              {
                key: "customer",
                title: t.customer,
                width: 180,
                render: row => <Link to={`/customers/${encodeURIComponent(row.customer_id)}`}>{row.customer_id}</Link>,
              },
              { key: "period", title: t.month, width: 120, render: row => period(row.period, language) },
              {
                key: "reasons",
                title: t.reasons,
                width: 320,
                render: row => row.reasons.map(each => word(rules.figures, nameOf(each))).join(shared.comma),
              },
            ]}
          />
        </div>
      )}
    </section>
  );
}
