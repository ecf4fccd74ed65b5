import { useSuspenseQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { answer, api } from "@/api/client";
import styles from "@/documents/documents.module.css";
import type { Version } from "@/documents/model";
import { number } from "@/format";
import { useText } from "@/i18n";
import { rulesText } from "./ruleMessages";

/** What a version has raised, how much of it was a false alarm, and what it raised in shadow. */
export function RuleFigures({ version }: { version: Version }) {
  const t = useText(rulesText);
  const { data } = useSuspenseQuery({
    queryKey: ["rules", "figures", version.id],
    queryFn: ({ signal }) =>
      answer(api.GET("/v1/rules/{id}/figures", { params: { path: { id: version.id } }, signal })),
    staleTime: 60_000,
  });
  const own = data.versions.find(each => each.version === version.version);
  if (!own) {
    return null;
  }
  return (
    <p className={styles.head}>
      <span>{t.raised(number(own.raised), number(own.open))}</span>
      <span>{t.falseAlarms(number(own.false_alarms), own.share)}</span>
      {own.shadow.raised > 0 && (
        <span>
          {t.inShadow(number(own.shadow.raised))} {t.falseAlarms(number(own.shadow.false_alarms), own.shadow.share)}{" "}
          <Link to={`/alerts?shadow=1&rule=${encodeURIComponent(version.id)}`}>{t.seeShadow}</Link>
        </span>
      )}
    </p>
  );
}
