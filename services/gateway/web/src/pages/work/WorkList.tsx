import { Button } from "antd";
import { type ReactNode, useEffect, useRef } from "react";
import { type Place, usePlace } from "@/habits/place";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import { listText } from "@/lists/messages";
import type { Group, WorkRow } from "./fields";
import { workPageText } from "./messages";
import type { Folds } from "./useFolds";
import styles from "./work.module.css";

interface Props {
  groups: readonly Group[];
  folds: Folds;
  current: string | undefined;
  onCurrent: (id: string) => void;
  onShow: (row: WorkRow) => void;
  onSelect?: (id: string) => void;
  rowId: (id: string) => string;
  item: (row: WorkRow) => ReactNode;
  place: Place;
  hasMore: boolean;
  isReadingMore: boolean;
  onMore: () => void;
}

/** Groups by due time, later ones folded; one tab stop, `j` `k` or arrows to move, Enter to open, `x` to select. */
export function WorkList({ groups, folds, current, onCurrent, onShow, onSelect, rowId, item, place, ...more }: Props) {
  const t = useText(workPageText);
  const lists = useText(listText);
  const shared = useText(common);
  const frame = useRef<HTMLElement>(null);
  usePlace(frame, place);
  const { isOpen, rows } = folds;
  const at = rows.findIndex(row => row.work_id === current);

  const move = (by: number): void => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + by))];
    if (next) {
      onCurrent(next.work_id);
    }
  };
  useEffect(() => {
    if (current) {
      document.getElementById(rowId(current))?.scrollIntoView({ block: "nearest" });
    }
  }, [current, rowId]);
  const group = shared.shortcuts.list;
  useShortcuts([
    { keys: "j", label: shared.shortcuts.next, group, run: () => move(1) },
    { keys: "k", label: shared.shortcuts.previous, group, run: () => move(-1) },
    {
      keys: "Enter",
      label: shared.shortcuts.open,
      group,
      run: event => {
        const isOwn = !(event.target instanceof HTMLElement && event.target.closest("button, a, input"));
        const row = rows[at];
        return isOwn && row ? onShow(row) : false;
      },
    },
    {
      keys: "x",
      label: shared.shortcuts.select,
      group,
      run: () => (rows[at] && onSelect ? onSelect(rows[at].work_id) : false),
    },
  ]);

  return (
    <section
      ref={frame}
      className={styles.list}
      aria-label={t.list}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the one tab stop of the list; its keys move within
      tabIndex={0}
      onKeyDown={event => {
        const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
        if (by && event.target === event.currentTarget) {
          event.preventDefault();
          move(by);
        }
      }}
    >
      {groups.map(({ name, rows: own }, index) => (
        <section key={name} aria-label={t.group[name]}>
          <button
            type="button"
            className={`${styles.group} ${name === "overdue" ? styles.over : ""}`}
            aria-expanded={isOpen(name)}
            onClick={() => folds.toggle(name)}
          >
            <span aria-hidden>{isOpen(name) ? "▾" : "▸"}</span>
            {t.group[name]} {own.length}
            {more.hasMore && index === groups.length - 1 ? "+" : ""}
          </button>
          {isOpen(name) && <ul className={styles.items}>{own.map(item)}</ul>}
        </section>
      ))}
      {more.hasMore && (
        <Button block loading={more.isReadingMore} onClick={more.onMore}>
          {lists.more}
        </Button>
      )}
    </section>
  );
}
