import { deadline } from "@/alerts/sentence";
import type { Schema } from "@/api/client";
import { exact } from "@/format";
import { useNow } from "@/habits/clock";
import { messages, useLanguage, useText } from "@/i18n";
import styles from "./deadline.module.css";

/** Within this many ms of its end a clock is shown as urgent. */
const SOON_MS = 2 * 3600_000;

const text = messages(
  { by: (name: string) => `按${name}`, assumed: "当年放假安排未公布，按平常周推算" },
  { by: name => `by ${name}`, assumed: "holidays of that year not announced, counted by plain weeks" },
);

interface Props {
  at: string | null | undefined;
  /** By which it was counted; none: every hour counts. */
  calendar?: Schema<"CalendarRefView"> | null;
  /** Takes the focus, so that the keyboard finds the exact time: outside of lists, where each would be a tab stop. */
  focusable?: boolean;
}

/**
 * `剩 9:20` by business time, `超时 3:05` when it is over; nothing without a due time. On hover and focus the exact time,
 * the calendar that counted it, and whether that had to assume what kind of day it is.
 */
export function Deadline({ at, calendar, focusable }: Props) {
  const t = useText(text);
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
      data-exact={[
        exact(at),
        calendar && t.by(language === "zh" ? calendar.name_zh : calendar.name_en),
        calendar?.assumed && t.assumed,
      ]
        .filter(Boolean)
        .join(" · ")}
      tabIndex={focusable ? 0 : undefined}
    >
      {found.text}
    </time>
  );
}
