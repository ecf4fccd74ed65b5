import { Button } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { brief, type Telling } from "@/alerts/sentence";
import { EmptyState } from "@/components/EmptyState";
import { Sentence } from "@/components/Sentence";
import { ShortTime } from "@/components/Time";
import { dayOf, shortDate } from "@/format";
import { common, useText } from "@/i18n";
import { ActPopover } from "@/work/ActPopover";
import { factsOf } from "@/work/facts";
import type { Day, Reminder } from "./fields";
import { todayText } from "./messages";
import styles from "./today.module.css";

interface Props {
  day: Day;
  telling: Telling;
  onDone: () => void;
}

/** What wants something today, by the hour; each with its form, in which the next date is set too. */
export function Reminders({ day, telling, onDone }: Props) {
  const t = useText(todayText);
  const hidden = day.reminders_total - day.reminders.length;
  if (day.reminders.length === 0) {
    return <EmptyState text={t.noReminders} />;
  }
  return (
    <ul className={styles.reminders}>
      {day.reminders.map(reminder => (
        <Line key={reminder.item.work_id} reminder={reminder} telling={telling} onDone={onDone} />
      ))}
      {hidden > 0 && (
        <li>
          <Link to="/work?due=overdue,today">{t.moreReminders(hidden)}</Link>
        </li>
      )}
    </ul>
  );
}

function Line({ reminder, telling, onDone }: { reminder: Reminder } & Omit<Props, "day">) {
  const t = useText(todayText);
  const shared = useText(common);
  const [isActing, setActing] = useState(false);
  const { item, at, reason } = reminder;
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(at);
  const isLate = isDay ? at < dayOf(telling.now) : Date.parse(at) < telling.now;
  return (
    <li className={styles.reminder}>
      <span className={isLate ? styles.late : styles.when}>
        {isDay ? shortDate(at, telling.now, telling.language) : <ShortTime at={at} />}
      </span>
      <span className={styles.about}>
        <b>{t.reason[reason]}</b>{" "}
        <Link to={`/work/${encodeURIComponent(item.work_id)}`}>{item.customer_name ?? item.customer_id}</Link>
        <span className={styles.brief}>
          <Sentence parts={brief(factsOf(item), telling)} />
        </span>
      </span>
      <ActPopover item={item} open={isActing} onOpenChange={setActing} onDone={onDone}>
        <Button size="small">{shared.action.act}</Button>
      </ActPopover>
    </li>
  );
}
