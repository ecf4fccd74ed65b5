import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { EmptyState } from "@/components/EmptyState";
import { LinkButton } from "@/components/LinkButton";
import { Page } from "@/components/Page";
import { keyOf, useKind, useVersionsNow } from "@/documents/api";
import { Change } from "@/documents/Change";
import styles from "@/documents/documents.module.css";
import type { KindRow } from "@/documents/kinds";
import { byDocument } from "@/documents/model";
import { period } from "@/format";
import { useLanguage, useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { useTrial } from "./api";
import { trialText } from "./messages";
import { Running } from "./Running";
import { TrialResult } from "./TrialResult";

/** A trial and its result; what was tried can be activated here. */
export default function TrialPage({ row, id, run }: { row: KindRow; id: string; run: string }) {
  const t = useText(trialText);
  const language = useLanguage();
  const trial = useTrial(run);
  const versions = useVersionsNow(row.kind);
  const about = useKind(row.kind);
  const mayChange = useMayEverywhere("rules", "change");
  const documents = byDocument(versions);
  const own = documents.find(each => each.id === id)?.versions;
  const version = own?.find(each => each.version === trial.version);
  const nameOf = (reason: string): string => {
    const rule = documents.find(each => each.id === reason)?.versions[0];
    return rule ? (row.nameOf?.(rule, language) ?? reason) : reason;
  };
  const client = useQueryClient();
  const isDone = trial.state === "done";
  useEffect(() => {
    if (isDone) {
      // By now the version says itself that it was tried.
      void client.invalidateQueries({ queryKey: keyOf(row.kind) });
    }
  }, [isDone, client, row.kind]);
  const result = trial.result;
  const title = [
    t.title,
    version ? (row.nameOf?.(version, language) ?? id) : id,
    `v${trial.version}`,
    result && t.of(period(result.from, language), period(result.to, language)),
  ].filter(Boolean);
  return (
    <Page
      title={title.join(" · ")}
      extra={<LinkButton to={`${row.path}/${encodeURIComponent(id)}?version=${trial.version}`}>{t.back}</LinkButton>}
    >
      <div className={styles.wide}>
        {result ? (
          <>
            <TrialResult result={result} nameOf={nameOf} />
            {mayChange && version && own && (
              <Change
                key={`${version.version} ${version.state}`}
                kind={row.kind}
                about={about}
                version={version}
                versions={own}
                needsTrial
              />
            )}
          </>
        ) : trial.state === "waiting" || trial.state === "running" ? (
          <Running trial={trial} />
        ) : (
          <EmptyState text={[t.states[trial.state], trial[language]].filter(Boolean).join(" · ")} />
        )}
      </div>
    </Page>
  );
}
