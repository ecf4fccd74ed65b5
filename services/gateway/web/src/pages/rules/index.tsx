import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation, useNavigate, useParams } from "react-router";
import { answer, api } from "@/api/client";
import { type Column, DataTable } from "@/components/DataTable";
import { EmptyState } from "@/components/EmptyState";
import { AsOf } from "@/components/Freshness";
import { Page } from "@/components/Page";
import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { WithPanel } from "@/components/WithPanel";
import { dayOf } from "@/format";
import { useNow } from "@/habits/clock";
import { useLanguage, useText } from "@/i18n";
import { rulesText } from "./messages";
import { RulePanel } from "./RulePanel";
import styles from "./rules.module.css";
import { byRule, type Rule, sentenceText, type Versions } from "./ruleText";
import { Yesterday } from "./Yesterday";

const DAY_MS = 86_400_000;
const EVERY_STATE = "raised,acknowledged,acted,resolved,expired";

/** The rules that raise alerts: each as a sentence, its versions, and what it raised yesterday. */
export default function Rules() {
  const t = useText(rulesText);
  const language = useLanguage();
  const navigate = useNavigate();
  const { search } = useLocation();
  const { id } = useParams();
  const [current, setCurrent] = useState<string>();
  const query = useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => answer(api.GET("/v1/rules", { signal })),
    staleTime: 300_000,
  });
  const rules = byRule((query.data ?? []) as Rule[]);
  const counts = useYesterday(rules.map(rule => rule.id));
  const chosen = rules.find(rule => rule.id === id);
  const open = (rule: string | undefined): void =>
    void navigate({
      pathname: rule ? `/rules/${encodeURIComponent(rule)}` : "/rules",
      search: rule === id ? search : "",
    });
  const columns: Column<Versions>[] = [
    {
      key: "rule",
      title: t.rule,
      width: 230,
      render: ({ versions: [rule] }) => (
        <span title={rule.id}>
          <span aria-hidden className={styles.on}>
            {rule.state === "active" ? "●" : "○"}
          </span>{" "}
          {language === "zh" ? rule.name_zh : rule.name_en}
        </span>
      ),
    },
    {
      key: "version",
      title: t.state,
      width: 120,
      render: ({ versions: [rule] }) => t.standing(rule.version, t.states[rule.state]),
    },
    {
      key: "yesterday",
      title: t.yesterday,
      width: 92,
      align: "end",
      render: rule => <Yesterday of={counts.of(rule.id)} link={counts.link(rule.id)} />,
    },
    {
      key: "sentence",
      title: t.sentence,
      width: 620,
      render: ({ versions: [rule] }) => (
        <span title={sentenceText(rule, language)}>{sentenceText(rule, language)}</span>
      ),
    },
  ];
  return (
    <Page title={t.title} fill extra={<AsOf at={query.dataUpdatedAt || undefined} />}>
      <WithPanel
        title={chosen && (language === "zh" ? chosen.versions[0].name_zh : chosen.versions[0].name_en)}
        panel={
          id &&
          (chosen ? (
            <RulePanel key={id} versions={chosen.versions} yesterday={counts.of(id)} link={counts.link(id)} />
          ) : (
            query.isSuccess && <EmptyState text={t.noRules} />
          ))
        }
        onClose={() => open(undefined)}
      >
        <QueryBlock
          query={query}
          what={t.list}
          skeleton={<Skeletons n={6} />}
          empty={found => found.length === 0 && <EmptyState text={t.noRules} />}
        >
          {() => (
            <DataTable
              label={t.list}
              rows={rules}
              idOf={rule => rule.id}
              columns={columns}
              current={current ?? id}
              onCurrent={setCurrent}
              onOpen={rule => open(rule.id)}
            />
          )}
        </QueryBlock>
      </WithPanel>
    </Page>
  );
}

/** How many alerts each rule raised on the business day before, and the list of exactly these. */
function useYesterday(ids: readonly string[]) {
  const now = useNow(60_000);
  const [since, until] = [dayOf(now - DAY_MS), dayOf(now)];
  const found = useQueries({
    queries: ids.map(rule => ({
      queryKey: ["rules", "yesterday", rule, since],
      queryFn: async ({ signal }: { signal: AbortSignal }) => {
        const query = { rule, since, until, limit: 1 };
        return (await answer(api.GET("/v1/lists/alerts", { params: { query }, signal }))).total;
      },
      staleTime: 60_000,
    })),
  });
  return {
    of: (id: string): number | undefined => found[ids.indexOf(id)]?.data,
    link: (id: string): string =>
      `/alerts?state=${EVERY_STATE}&rule=${encodeURIComponent(id)}&since=${since}&until=${until}`,
  };
}
