import { useMutation, useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { Alert, Button, Input } from "antd";
import { useState } from "react";
import { answer, api, asProblem } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { SystemTime } from "@/components/Time";
import styles from "@/documents/documents.module.css";
import { number } from "@/format";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText, word } from "@/i18n";
import { cityName } from "@/places/cityName";
import { useMay } from "@/session/rights";
import { type Release, releases } from "./api";
import board from "./board.module.css";
import { releasesText } from "./messages";

const DECIDED = 20;
/** What the name of a nightly file ends with. */
const DATA = ".dat.gz";
type File = keyof typeof releasesText.zh.clears;

/** What waits for a person's word, with its numbers, and what was said of the last ones. */
export default function ReleasesBoard() {
  const t = useText(releasesText);
  const shared = useText(common);
  const {
    data: { all, missing },
  } = useSuspenseQuery({ ...releases, refetchInterval: 10_000 });
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

/** Of how many that is, and the limit. */
function shareOf({ of, customers, share, percent }: Release, t: typeof releasesText.zh): string {
  if (customers === 0) {
    return t.uncounted(percent);
  }
  return of < customers
    ? t.shareOfPart(number(of), number(customers), String(share), percent)
    : t.share(number(customers), String(share), percent);
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
      // As it is shown: if more wait by now, nobody has seen them.
      const body = { why: why.trim(), count: release.count };
      const params = { path: { id: release.id } };
      return verb === "go"
        ? answer(api.POST("/v1/releases/{id}/go", { params, body }))
        : answer(api.POST("/v1/releases/{id}/reject", { params, body }));
    },
    onSuccess: (_, verb) => tell({ text: verb === "go" ? t.went : t.rejected }),
    // Refused because somebody else has decided: then that is what stands there.
    onSettled: () => client.invalidateQueries({ queryKey: releases.queryKey }),
  });
  const problem = decide.error && asProblem(decide.error);
  return (
    <li className={styles.card}>
      <b>
        {release.effect === "clear"
          ? (t.clears[release.kind as File] ?? t.clears.CUST)(cityName(release.city), number(release.count))
          : t.raises(cityName(release.city), word(shared.kindLong, release.kind), number(release.count))}
      </b>
      <span>{shareOf(release, t)}</span>
      <span className="kam-secondary">
        {release.cause.endsWith(DATA) ? t.file : t.day} <span className={board.cause}>{release.cause}</span> · {t.since}{" "}
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
