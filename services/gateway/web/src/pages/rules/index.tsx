import { useQueries } from "@tanstack/react-query";
import { lazy } from "react";
import { useLocation, useParams } from "react-router";
import { answer, api } from "@/api/client";
import type { Column } from "@/components/DataTable";
import { useVersions } from "@/documents/api";
import { DocumentList } from "@/documents/DocumentList";
import { type KindRow, rowOf } from "@/documents/kinds";
import type { Versions } from "@/documents/model";
import { dayOf } from "@/format";
import { useNow } from "@/habits/clock";
import { useBreadth } from "@/habits/element";
import { useLanguage, useText } from "@/i18n";
import { rulesText } from "@/rules/ruleMessages";
import { type Rule, sentenceText } from "@/rules/ruleText";
import { useFigures } from "@/rules/useFigures";
import { Yesterday } from "./Yesterday";

/** Opened by those who write, and from there. */
const EditPage = lazy(() => import("@/documents/EditPage"));
const TrialPage = lazy(() => import("@/trials/TrialPage"));

const DAY_MS = 86_400_000;
const EVERY_STATE = "raised,acknowledged,acted,resolved,expired";

/** The rules that raise alerts: `/rules/<id>`, `…/edit`, `…/trials/<run>`. */
export default function Rules() {
  const { id, run } = useParams();
  const { pathname } = useLocation();
  const row = rowOf("rules") as KindRow;
  if (id && run) {
    return <TrialPage key={run} row={row} id={id} run={run} />;
  }
  if (id && pathname.endsWith("/edit")) {
    return <EditPage key={id} row={row} id={id} />;
  }
  return <List row={row} id={id} />;
}

function List({ row, id }: { row: KindRow; id?: string }) {
  const t = useText(rulesText);
  const language = useLanguage();
  const breadth = useBreadth();
  const figures = useFigures();
  const ids = [...new Set(useVersions("rules").data?.map(each => each.id))];
  const { numbers, link } = useYesterday(ids);
  const columns: Column<Versions>[] = [
    {
      key: "yesterday",
      title: t.yesterday,
      width: 92,
      align: "end",
      render: rule => <Yesterday of={numbers.get(rule.id)} link={link(rule.id)} />,
    },
    // The rule that is open says it itself, and leaves no room for the others.
    ...(id && breadth === "desktop"
      ? []
      : [
          {
            key: "sentence",
            title: t.sentence,
            width: 620,
            render: ({ versions: [first] }: Versions) => {
              const said = sentenceText(first as Rule, language, figures);
              return <span title={said}>{said}</span>;
            },
          },
        ]),
  ];
  return (
    <DocumentList
      row={row}
      id={id}
      columns={columns}
      head={rule => (
        <span>
          {t.yesterday} <Yesterday of={numbers.get(rule.id)} link={link(rule.id)} />
        </span>
      )}
    />
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
    numbers: new Map(ids.map((rule, at) => [rule, found[at]?.data])),
    link: (rule: string): string =>
      `/alerts?state=${EVERY_STATE}&rule=${encodeURIComponent(rule)}&since=${since}&until=${until}`,
  };
}
