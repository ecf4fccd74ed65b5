import { timeOfDay } from "@/format";
import { common, useText } from "@/i18n";
import { listText } from "@/lists/messages";
import { useLiveState } from "@/live/live";
import type { Day } from "./fields";
import styles from "./today.module.css";

/** Seconds behind from which the page says that it shows the past. */
const STALE_SECONDS = 60;

/** That what stands below is not how things are: the connection is lost, or the read model is behind or made anew. */
export function StaleToday({ day }: { day: Day | undefined }) {
  const shared = useText(common);
  const lists = useText(listText);
  const { standing } = useLiveState();
  if (day?.rebuilding) {
    return <output className={styles.stale}>{lists.rebuilding}</output>;
  }
  const isStale = standing === "offline" || (day?.seconds_behind ?? 0) > STALE_SECONDS;
  return isStale && day?.as_of ? (
    <output className={styles.stale}>{shared.live.asItWas(timeOfDay(day.as_of).slice(0, 5))}</output>
  ) : null;
}
