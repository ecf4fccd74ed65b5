import { Button } from "antd";
import { useRef } from "react";
import { actable, isOpen, stateOf } from "@/alerts/row";
import { brief, type Telling } from "@/alerts/sentence";
import { Deadline } from "@/components/Deadline";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { StateTag } from "@/components/StateTag";
import { type Place, usePlace } from "@/habits/place";
import { common, useText, word } from "@/i18n";
import { listText } from "@/lists/messages";
import { ActPopover } from "@/work/ActPopover";
import styles from "./alerts.module.css";
import type { AlertRow } from "./fields";
import { alertsText } from "./messages";

interface Props {
  rows: readonly AlertRow[];
  place: Place;
  telling: Telling;
  isLeaving: (id: string) => boolean;
  mayAct: boolean;
  isSelecting: boolean;
  selected: readonly string[];
  onSelect: (ids: string[]) => void;
  onOpen: (row: AlertRow) => void;
  onAcknowledge: (row: AlertRow) => void;
  onActed: (row: AlertRow) => void;
  hasMore: boolean;
  isReadingMore: boolean;
  onMore: () => void;
}

/** The list on a phone: everything that a row does, with the thumb. */
export function Cards(props: Props) {
  const t = useText(alertsText);
  const shared = useText(common);
  const lists = useText(listText);
  const { rows, selected, onSelect } = props;
  const frame = useRef<HTMLUListElement>(null);
  usePlace(frame, props.place);
  return (
    <ul ref={frame} className={styles.cards} aria-label={t.list}>
      {rows.map(row => {
        const isSelected = selected.includes(row.alert_id);
        const select = (): void =>
          onSelect(isSelected ? selected.filter(id => id !== row.alert_id) : [...selected, row.alert_id]);
        const isLeaving = props.isLeaving(row.alert_id);
        return (
          <li
            key={row.alert_id}
            data-row-key={row.alert_id}
            className={`${styles.card} ${styles[row.severity] ?? ""} ${isLeaving ? styles.leaving : ""}`}
          >
            <div className={styles.top}>
              {props.isSelecting && (
                <input
                  type="checkbox"
                  className={styles.check}
                  checked={isSelected}
                  aria-label={`${t.select} ${row.customer_name ?? row.customer_id}`}
                  onChange={select}
                />
              )}
              <SeverityTag severity={row.severity} />
              <span>{word(shared.kind, row.kind)}</span>
              <b>{row.customer_name ?? row.customer_id}</b>
              {isOpen(row) ? <Deadline at={row.due_at} calendar={row.calendar} /> : <span />}
            </div>
            {/* While several are selected the whole card is one place to tap. */}
            <button
              type="button"
              className={styles.open}
              onClick={props.isSelecting ? select : () => props.onOpen(row)}
            >
              {isLeaving && <em>{t.leaving} · </em>}
              <Sentence parts={brief(row, props.telling)} />
            </button>
            <div className={styles.top}>
              <StateTag of="alert" state={stateOf(row)} outcome={row.outcome} level={row.escalated_to} />
              <span className="kam-secondary kam-small">{row.manager_name ?? row.manager_id}</span>
            </div>
            {props.mayAct && isOpen(row) && !props.isSelecting && (
              <div className={styles.buttons}>
                {row.state === "raised" && (
                  <Button onClick={() => props.onAcknowledge(row)}>{shared.action.acknowledge}</Button>
                )}
                <ActPopover item={actable(row)} onDone={() => props.onActed(row)}>
                  <Button block>{shared.action.act}</Button>
                </ActPopover>
              </div>
            )}
          </li>
        );
      })}
      {props.hasMore && (
        <li>
          <Button block loading={props.isReadingMore} onClick={props.onMore}>
            {lists.more}
          </Button>
        </li>
      )}
    </ul>
  );
}
