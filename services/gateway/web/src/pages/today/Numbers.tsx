import { Link } from "react-router";
import { money, number } from "@/format";
import { useText } from "@/i18n";
import type { Day, pathsOf } from "./fields";
import { todayText } from "./messages";
import styles from "./today.module.css";

interface Props {
  day: Day;
  paths: ReturnType<typeof pathsOf>;
}

/** Four numbers that say what the day is like; each opens the rows that it counts. */
export function Numbers({ day, paths }: Props) {
  const t = useText(todayText);
  const { numbers } = day;
  const boxes = [
    { to: paths.open, label: t.open, value: number(numbers.open), more: t.unacknowledged(numbers.unacknowledged) },
    { to: paths.dueToday, label: t.dueToday, value: number(numbers.due_today) },
    { to: paths.overdue, label: t.overdue, value: number(numbers.overdue), isBad: numbers.overdue > 0 },
    { to: paths.atRisk, label: t.atRisk, value: money(numbers.at_risk_fen), more: t.warnings(numbers.at_risk_alerts) },
  ];
  return (
    <ul className={styles.numbers} aria-label={t.numbers}>
      {boxes.map(({ to, label, value, more, isBad }) => (
        <li key={label}>
          <Link to={to} className={`${styles.box} ${styles.number}`}>
            <span className="kam-secondary">{label}</span>
            <b className={isBad ? styles.bad : ""}>{value}</b>
            <span className={styles.beside}>{more}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
