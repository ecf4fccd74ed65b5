import { ago, exact, type Instant, instant, shortTime } from "@/format";
import { useNow, useSystemNow } from "@/habits/clock";
import { useLanguage } from "@/i18n";

interface Props {
  at: Instant | null | undefined;
  /** Takes the focus, so that the keyboard finds the exact time: outside of lists, where each would be a tab stop. */
  focusable?: boolean;
}

/** `3 分钟前`, and the exact time on hover and focus. */
export function Ago({ at, focusable }: Props) {
  const now = useNow();
  const language = useLanguage();
  return <Told at={at} focusable={focusable} text={ago(at, now, language)} />;
}

/** `14:05`, `昨天 14:05`, `06-21 14:05`, and the exact time on hover and focus. */
export function ShortTime({ at, focusable }: Props) {
  const now = useNow(60_000);
  const language = useLanguage();
  return <Told at={at} focusable={focusable} text={shortTime(at, now, language)} />;
}

/** As ShortTime, for what happened by system time: an account's change, a token, a job. */
export function SystemTime({ at, focusable }: Props) {
  const now = useSystemNow();
  const language = useLanguage();
  return <Told at={at} focusable={focusable} text={shortTime(at, now, language)} />;
}

function Told({ at, focusable, text }: Props & { text: string }) {
  const ms = at === null || at === undefined ? Number.NaN : instant(at);
  if (Number.isNaN(ms)) {
    return <span>{text}</span>;
  }
  return (
    <time
      className="kam-time"
      dateTime={new Date(ms).toISOString()}
      data-exact={exact(ms)}
      tabIndex={focusable ? 0 : undefined}
    >
      {text}
    </time>
  );
}
