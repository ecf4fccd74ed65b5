import { lag, timeOfDay } from "@/format";
import { common, useLanguage, useText } from "@/i18n";
import { useLiveState } from "@/live/live";
import styles from "./freshness.module.css";

/** Seconds up to which what is shown counts as live. */
const LIVE_SECONDS = 5;

/** How the live connection stands, for the top bar; says it again to screen readers only when it changes. */
export function Freshness() {
  const { standing, secondsBehind, caughtUp } = useLiveState();
  const t = useText(common);
  const language = useLanguage();
  const [look, glyph, text] =
    standing === "offline"
      ? ([styles.offline, "○", t.live.offline] as const)
      : standing === "connecting"
        ? ([styles.behind, "◌", t.live.connecting] as const)
        : secondsBehind > LIVE_SECONDS
          ? ([
              styles.behind,
              "◐",
              t.live.behind(timeOfDay(Date.now() - secondsBehind * 1000).slice(0, 5), lag(secondsBehind, language)),
            ] as const)
          : ([styles.live, "●", caughtUp ? t.live.caughtUp(caughtUp) : t.live.now] as const);
  return (
    <output className={`${styles.freshness} ${look}`} title={text}>
      <span aria-hidden>{glyph}</span>
      <span className={styles.text}>{text}</span>
    </output>
  );
}

/** `截至 09:42:05` of a block; where it is behind, by how much. */
export function AsOf({ at, secondsBehind = 0 }: { at: string | number | null | undefined; secondsBehind?: number }) {
  const t = useText(common);
  const language = useLanguage();
  if (at === null || at === undefined) {
    // Its place until the block is read: what stands beside it does not move then.
    return (
      <span className={`kam-small ${styles.unknown}`} aria-hidden>
        {t.live.asOf("00:00:00")}
      </span>
    );
  }
  const time = timeOfDay(at);
  const isBehind = secondsBehind > LIVE_SECONDS;
  return (
    <span className={`kam-small ${isBehind ? styles.behind : "kam-secondary"}`}>
      {isBehind ? t.live.behind(time, lag(secondsBehind, language)) : t.live.asOf(time)}
    </span>
  );
}
