import { Button } from "antd";
import { useEffect } from "react";
import { AlertCard } from "@/alerts/AlertCard";
import type { AlertRow } from "@/alerts/row";
import type { Telling } from "@/alerts/sentence";
import { useText } from "@/i18n";
import type { PagedList } from "@/lists/usePagedList";
import { todayText } from "./messages";
import styles from "./today.module.css";

interface Props {
  label: string;
  list: PagedList<AlertRow>;
  telling: Telling;
  /** The card that the keys stand on. */
  current: string | undefined;
  acting: string | undefined;
  onActing: (id: string, isOpen: boolean) => void;
  onAcknowledge: (row: AlertRow) => void;
  onActed: (row: AlertRow) => void;
  /** Arrows on the list itself, its one tab stop, go to the next or the previous card. */
  onCurrent?: (by: number) => void;
}

const ARROWS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

/** Cards of alerts, one below the other; nothing moves but by the person's wish (`useSteady`). */
export function AlertList({ label, list, telling, current, acting, onActing, onCurrent, ...props }: Props) {
  const t = useText(todayText);
  useEffect(() => {
    if (current) {
      document.getElementById(cardId(current))?.scrollIntoView({ block: "nearest" });
    }
  }, [current]);
  return (
    <ul
      className={styles.cards}
      aria-label={label}
      tabIndex={onCurrent && 0}
      onKeyDown={event => {
        const by = ARROWS[event.key];
        if (by && onCurrent && event.target === event.currentTarget) {
          event.preventDefault();
          onCurrent(by);
        }
      }}
    >
      {list.rows.map(row => (
        <AlertCard
          key={row.alert_id}
          id={cardId(row.alert_id)}
          row={row}
          telling={telling}
          mayAct
          isCurrent={row.alert_id === current}
          isLeaving={list.leaving.has(row.alert_id)}
          acting={acting === row.alert_id}
          onActing={open => onActing(row.alert_id, open)}
          onAcknowledge={() => props.onAcknowledge(row)}
          onActed={() => props.onActed(row)}
        />
      ))}
      {list.hasMore && (
        <li>
          <Button block loading={list.isReadingMore} onClick={list.more}>
            {t.more}
          </Button>
        </li>
      )}
    </ul>
  );
}

const cardId = (id: string): string => `alert-${id}`;
