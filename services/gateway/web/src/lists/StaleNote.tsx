import { timeOfDay } from "@/format";
import { useText } from "@/i18n";
import styles from "./lists.module.css";
import { listText } from "./messages";

/** Seconds behind from which a list says that it stands still. */
const STALE_SECONDS = 60;

interface Props {
  asOf: string | null | undefined;
  secondsBehind: number | null | undefined;
  isRebuilding?: boolean;
  /** What the page says instead of that the list has stopped. */
  text?: string;
}

/** Above a list that is not as things are: where it stopped, and that it goes on by itself. */
export function StaleNote({ asOf, secondsBehind, isRebuilding, text }: Props) {
  const t = useText(listText);
  if (isRebuilding) {
    return <output className={styles.stale}>{t.rebuilding}</output>;
  }
  if (!asOf || (secondsBehind ?? 0) < STALE_SECONDS) {
    return null;
  }
  return (
    <output className={styles.stale}>
      {t.stale(timeOfDay(asOf))}
      {text && ` · ${text}`}
    </output>
  );
}
