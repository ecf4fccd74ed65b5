import { Checkbox } from "antd";
import { useRef } from "react";
import { type Place, usePlace } from "@/habits/place";
import { common, useText } from "@/i18n";
import type { Column } from "./DataTable";
import styles from "./datacards.module.css";

interface Props<Row> {
  label: string;
  rows: readonly Row[];
  idOf: (row: Row) => string;
  /** The first is a card's heading, and opens it. */
  columns: readonly Column<Row>[];
  current?: string;
  onOpen?: (row: Row) => void;
  selected?: readonly string[];
  onSelect?: (ids: string[]) => void;
  place?: Place;
  isDimmed?: (row: Row) => boolean;
  onEnd?: () => void;
}

/** Distance in px from the end at which more is read. */
const NEAR = 800;

/** The rows of a table on a phone: a card each, all columns below each other, nothing to be pushed sideways. */
export function DataCards<Row extends object>(props: Props<Row>) {
  const { label, rows, idOf, columns, current, onOpen, selected = [], onSelect, onEnd } = props;
  const t = useText(common);
  const frame = useRef<HTMLElement>(null);
  usePlace(frame, props.place);
  const [heading, ...others] = columns;
  const toggle = (id: string): void =>
    onSelect?.(selected.includes(id) ? selected.filter(each => each !== id) : [...selected, id]);

  return (
    <section
      ref={frame}
      className={styles.frame}
      aria-label={label}
      onScroll={event => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        if (scrollHeight - scrollTop - clientHeight < NEAR) {
          onEnd?.();
        }
      }}
    >
      {onSelect && rows.length > 0 && (
        <Checkbox
          checked={selected.length === rows.length}
          indeterminate={selected.length > 0 && selected.length < rows.length}
          onChange={event => onSelect(event.target.checked ? rows.map(idOf) : [])}
        >
          {t.filter.selectAll(rows.length)}
        </Checkbox>
      )}
      <ul className={styles.cards}>
        {rows.map(row => {
          const id = idOf(row);
          const name = heading?.render(row);
          return (
            <li
              key={id}
              data-row-key={id}
              className={`${styles.card} ${id === current ? styles.current : ""} ${props.isDimmed?.(row) ? styles.dimmed : ""}`}
            >
              <div className={styles.head}>
                {onSelect && (
                  <Checkbox
                    aria-label={t.shortcuts.select}
                    checked={selected.includes(id)}
                    onChange={() => toggle(id)}
                  />
                )}
                {onOpen ? (
                  <button type="button" className={styles.open} onClick={() => onOpen(row)}>
                    {name}
                  </button>
                ) : (
                  <b>{name}</b>
                )}
              </div>
              <dl className={styles.fields}>
                {others.map(column => {
                  const value = column.render(row);
                  return (
                    value !== "" &&
                    value !== null && (
                      <div key={column.key}>
                        <dt>{column.title}</dt>
                        <dd>{value}</dd>
                      </div>
                    )
                  );
                })}
              </dl>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
