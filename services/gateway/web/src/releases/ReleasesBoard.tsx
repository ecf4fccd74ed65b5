import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { answer, api, asProblem, type Schema, whole } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { SystemTime } from "@/components/Time";
import styles from "@/documents/documents.module.css";
import { number } from "@/format";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText, word } from "@/i18n";
import { cityName } from "@/places/cityName";
import { useMay } from "@/session/rights";
import { releasesText } from "./messages";

type Release = Schema<"ReleaseView">;
const KEY = ["releases"] as const;
const DECIDED = 20;

/** What waits for a person's word, with its numbers, and what was said of the last ones. */
export default function ReleasesBoard() {
  const t = useText(releasesText);
  const shared = useText(common);
  const {
    data: { all, missing },
  } = useSuspenseQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      const { data, response } = await whole(api.GET("/v1/releases", { signal }));
      return { all: data, missing: response.headers.get("Kam-Missing")?.split(", ") ?? [] };
    },
    refetchInterval: 10_000,
  });
  const [waiting, decided] = [true, false].map(waits => all.filter(each => (each.state === "waiting") === waits));
  return (
    <div className={styles.sheet}>
      <p className="kam-secondary">{t.intro}</p>
      {missing.length > 0 && (
        <Alert
          type="warning"
          showIcon
          role="status"
          title={t.missing(missing.map(each => word(t.services, each)).join(shared.comma))}
        />
      )}
      <section aria-label={t.waiting} className={styles.shape}>
        <h2>{t.waiting}</h2>
        {waiting?.length === 0 && <EmptyState text={t.none} />}
        <ul className={styles.cards}>
          {waiting?.map(each => (
            <One key={each.id} release={each} />
          ))}
        </ul>
      </section>
      {decided && decided.length > 0 && (
        <section aria-label={t.decided} className={styles.shape}>
          <h2>{t.decided}</h2>
          <ul className={styles.cards}>
            {decided.slice(0, DECIDED).map(each => (
              <One key={each.id} release={each} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function One({ release }: { release: Release }) {
  const t = useText(releasesText);
  const shared = useText(common);
  const language = useLanguage();
  const client = useQueryClient();
  const mayChange = useMay("rules", "change");
  const { tell } = useUndo();
  const [why, setWhy] = useState("");
  const decide = useMutation({
    mutationFn: async (verb: "go" | "reject") => {
      const body = { why: why.trim() };
      const params = { path: { id: release.id } };
      return verb === "go"
        ? answer(api.POST("/v1/releases/{id}/go", { params, body }))
        : answer(api.POST("/v1/releases/{id}/reject", { params, body }));
    },
    onSuccess: (_, verb) => tell({ text: verb === "go" ? t.went : t.rejected }),
    // Refused because somebody else has decided: then that is what stands there.
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
  const problem = decide.error && asProblem(decide.error);
  return (
    <li className={styles.card}>
      <b>
        {t.said(
          cityName(release.city),
          t.effects[release.effect],
          word(shared.kindLong, release.kind),
          number(release.count),
          number(release.customers),
          String(release.share),
        )}
      </b>
      <span className="kam-secondary">
        {t.sources[release.source]} {release.cause} · {t.limit(release.percent)} · {t.since}{" "}
        <SystemTime at={release.since} focusable />
      </span>
      {release.state === "waiting" ? (
        mayChange && (
          <span className={styles.head}>
            <Input
              aria-label={`${t.why} ${release.cause}`}
              placeholder={t.why}
              maxLength={500}
              value={why}
              onChange={event => setWhy(event.target.value)}
            />
            <Button type="primary" disabled={!why.trim() || decide.isPending} onClick={() => decide.mutate("go")}>
              {t.go}
            </Button>
            <Button danger disabled={!why.trim() || decide.isPending} onClick={() => decide.mutate("reject")}>
              {t.reject}
            </Button>
          </span>
        )
      ) : (
        <span>
          {t.states[release.state]} · {release.by}{" "}
          {release.decided_at && <SystemTime at={release.decided_at} focusable />}
          <br />
          {release.why}
        </span>
      )}
      {problem && (
        <Alert type="error" showIcon role="alert" title={problem.said(language) || shared.problem.noAnswer} />
      )}
    </li>
  );
}
