import { deadline } from "@/alerts/sentence";
import { exact } from "@/format";
import { useNow } from "@/habits/clock";
import { useLanguage } from "@/i18n";
import styles from "./deadline.module.css";

/** Within this many ms of its end a clock is shown as urgent. */
const SOON_MS = 2 * 3600_000;

/** `剩 9:20` by business time, `超时 3:05` when it is over; nothing without a due time. */
export function Deadline({ at }: { at: string | null | undefined }) {
  const now = useNow();
  const language = useLanguage();
  const found = deadline(at, { now, language });
  if (!found || !at) {
    return null;
  }
  const isSoon = !found.isOver && Date.parse(at) - now < SOON_MS;
  return (
    <time
      className={`kam-time ${styles.clock} ${found.isOver ? styles.over : isSoon ? styles.soon : ""}`}
      dateTime={at}
      data-exact={exact(at)}
    >
      {found.text}
    </time>
  );
}
