import { Link } from "react-router";
import { money, number } from "@/format";
import { useText } from "@/i18n";
import type { Day, pathsOf } from "./fields";
import { todayText } from "./messages";
import styles from "./today.module.css";

/** What happened since the beginning of yesterday; each number opens its rows. */
export function Changes({ day, paths }: { day: Day; paths: ReturnType<typeof pathsOf> }) {
  const t = useText(todayText);
  const { changes } = day;
  const names = ["raised", "resolved", "escalated", "recovered", "kept", "assigned", "closed"] as const;
  return (
    <dl className={styles.changes}>
      {names.map(name => (
        <div key={name} className={styles.change}>
          <dt className="kam-secondary">{t.changes[name]}</dt>
          <dd>
            <Link className={styles.count} to={paths[name]}>
              {name === "recovered"
                ? t.recovered(money(changes.recovered_fen), changes.recovered)
                : number(changes[name])}
            </Link>
          </dd>
        </div>
      ))}
    </dl>
  );
}
