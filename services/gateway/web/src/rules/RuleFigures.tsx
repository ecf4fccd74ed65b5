import { useSuspenseQuery } from "@tanstack/react-query";
import { asProblem, call } from "@/api/client";
import styles from "@/documents/documents.module.css";
import type { Version } from "@/documents/model";
import { number } from "@/format";
import { useText } from "@/i18n";
import { rulesText } from "./ruleMessages";

/** Alerts of a version and what became of them; `share`: of those that people closed, how many as false alarms. */
interface Raised {
  raised: number;
  open: number;
  false_alarms: number;
  share: number | null;
}
interface Figures {
  versions: (Raised & { version: number; shadow: Raised })[];
}

/** What a version has raised, how much of it was a false alarm, and what it raised in shadow. */
export function RuleFigures({ version }: { version: Version }) {
  const t = useText(rulesText);
  const { data } = useSuspenseQuery({
    queryKey: ["rules", "figures", version.id],
    queryFn: ({ signal }) => figuresOf(version.id, signal),
    staleTime: 60_000,
  });
  const own = data?.versions.find(each => each.version === version.version);
  if (!own) {
    return null;
  }
  return (
    <p className={styles.head}>
      <span>{t.raised(number(own.raised), number(own.open))}</span>
      <span>{t.falseAlarms(number(own.false_alarms), own.share)}</span>
      {own.shadow.raised > 0 && (
        <span>
          {t.inShadow(number(own.shadow.raised))} {t.falseAlarms(number(own.shadow.false_alarms), own.shadow.share)}
        </span>
      )}
    </p>
  );
}

/** Null of a rule of which the server has no figures. */
async function figuresOf(rule: string, signal: AbortSignal): Promise<Figures | null> {
  try {
    return await call<Figures>("GET", `/v1/rules/${encodeURIComponent(rule)}/figures`, undefined, { signal });
  } catch (error) {
    if (asProblem(error).isNotFound) {
      return null;
    }
    throw error;
  }
}
