import { Table, type TableColumnType, type TableRef } from "antd";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { useBreadth, usePrinting, useSize } from "@/habits/element";
import { type Place, usePlace } from "@/habits/place";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import { DataCards } from "./DataCards";
import styles from "./datatable.module.css";

export interface Column<Row> {
  key: string;
  title: ReactNode;
  width: number;
  render: (row: Row) => ReactNode;
  /** The server's name of this order; the header then sorts. */
  sort?: string;
  align?: "start" | "end" | "center";
}

interface Props<Row> {
  /** What the rows are, for who does not see the table. */
  label: string;
  rows: readonly Row[];
  idOf: (row: Row) => string;
  columns: readonly Column<Row>[];
  /** How many there are in all, also those not read yet. */
  total?: number;
  /** The id of the row on which the keys work, kept by the page: it stays on its item when rows come and go. */
  current?: string;
  onCurrent?: (id: string) => void;
  onOpen?: (row: Row) => void;
  selected?: readonly string[];
  onSelect?: (ids: string[]) => void;
  place?: Place;
  /** `due` rising, `-due` falling. */
  sort?: string;
  onSort?: (sort: string) => void;
  /** A row that no longer matches, and leaves when the person refreshes. */
  isDimmed?: (row: Row) => boolean;
  /** Called when the end of what was read comes near. */
  onEnd?: () => void;
  empty?: ReactNode;
}

const HEADER = 40;
const LEAST = 200;
/** Distance in px from the end at which more is read. */
const NEAR = 800;

/**
 * A long list as a table: only the rows in sight are in the page, with roles and row numbers all the same, one tab stop,
 * `j` `k` or arrows to move, Enter to open, `x` to select. Keys and clicks act on ids, never on positions. Cards on a phone.
 */
export function DataTable<Row extends object>(props: Props<Row>) {
  const isPhone = useBreadth() === "phone";
  return isPhone ? <DataCards {...props} /> : <Wide {...props} />;
}

function Wide<Row extends object>(props: Props<Row>) {
  const { rows, idOf, columns, current, onCurrent, onOpen, selected, onSelect, sort, onSort, onEnd } = props;
  const t = useText(common);
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const table = useRef<TableRef>(null);
  const { width, height } = useSize(frame);
  const isPrinting = usePrinting();
  const at = rows.findIndex(row => idOf(row) === current);
  const rowId = (key: string): string => `${id}-${key}`;

  const move = (step: number): void => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
    if (next) {
      onCurrent?.(idOf(next));
      table.current?.scrollTo({ key: idOf(next) });
    }
  };
  const open = (): unknown => (at < 0 || !onOpen ? false : onOpen(rows[at] as Row));
  const toggle = (key: string): void => {
    const held = new Set(selected);
    if (!held.delete(key)) {
      held.add(key);
    }
    onSelect?.([...held]);
  };
  useShortcuts([
    { keys: "j", label: t.shortcuts.next, group: t.shortcuts.list, run: () => move(1) },
    { keys: "k", label: t.shortcuts.previous, group: t.shortcuts.list, run: () => move(-1) },
    { keys: "Enter", label: t.shortcuts.open, group: t.shortcuts.list, run: event => isOwn(event) && open() },
    ...(onSelect
      ? [
          {
            keys: "x",
            label: t.shortcuts.select,
            group: t.shortcuts.list,
            run: () => (at < 0 ? false : toggle(current as string)),
          },
        ]
      : []),
  ]);

  useEffect(() => {
    if (frame.current) {
      asGrid(frame.current);
    }
  });
  // Who comes back finds the list where they left it, and at least the row the keys stand on.
  const isPlaced = useRef(false);
  useEffect(() => {
    if (!isPlaced.current && rows.length > 0 && height > 0) {
      isPlaced.current = true;
      if (at > 0) {
        table.current?.scrollTo({ key: current as string });
      }
    }
  }, [rows.length, height, at, current]);

  usePlace(frame, props.place, height > 0, key => table.current?.scrollTo({ key, align: "start" }));

  // Paper has nothing to press.
  const printed = isPrinting ? columns.filter(column => column.key !== "actions") : columns;
  const shown: TableColumnType<Row>[] = printed.map((column, index) => ({
    key: column.key,
    title: column.title,
    width: column.width,
    align: column.align,
    sorter: column.sort !== undefined,
    showSorterTooltip: false,
    sortOrder: sort === column.sort ? "ascend" : sort === `-${column.sort}` ? "descend" : null,
    render: (_, row) => column.render(row),
    onCell: () => ({ role: "gridcell", "aria-colindex": index + 1 }) as object,
    onHeaderCell: () => ({ role: "columnheader", "aria-colindex": index + 1 }) as object,
  }));
  const breadth = columns.reduce((sum, column) => sum + column.width, onSelect ? 40 : 0);

  return (
    <div ref={frame} className={styles.frame}>
      {/* biome-ignore lint/a11y/useSemanticElements: the rows in sight are divs, a real table can't have them */}
      <div
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={Math.max(rows.length, props.total ?? 0) + 1}
        aria-colcount={columns.length}
        aria-multiselectable={onSelect ? true : undefined}
        aria-activedescendant={at < 0 ? undefined : rowId(current as string)}
        className={styles.grid}
        onKeyDown={event => {
          const steps: Record<string, number> = {
            ArrowDown: 1,
            ArrowUp: -1,
            PageDown: 10,
            PageUp: -10,
            Home: -rows.length,
            End: rows.length,
          };
          const step = steps[event.key];
          if (step !== undefined && event.target === event.currentTarget) {
            event.preventDefault();
            move(step);
          }
        }}
      >
        <Table<Row>
          ref={table}
          virtual={!isPrinting}
          tableLayout="fixed"
          pagination={false}
          dataSource={[...rows]}
          rowKey={idOf}
          columns={shown}
          scroll={isPrinting ? undefined : { x: Math.max(breadth, width - 1), y: Math.max(LEAST, height - HEADER) }}
          locale={{ emptyText: props.empty ?? t.chart.noData }}
          rowSelection={
            onSelect && !isPrinting
              ? {
                  selectedRowKeys: [...(selected ?? [])],
                  columnWidth: 40,
                  preserveSelectedRowKeys: true,
                  onChange: keys => onSelect(keys.map(String)),
                  getCheckboxProps: () => ({ "aria-label": t.shortcuts.select, tabIndex: -1 }) as object,
                  getTitleCheckboxProps: () => ({ "aria-label": t.filter.selectAll(rows.length) }),
                  onCell: () => ({ role: "gridcell" }) as object,
                }
              : undefined
          }
          onHeaderRow={() => ({ role: "row", "aria-rowindex": 1 }) as object}
          rowClassName={row =>
            [idOf(row) === current ? styles.current : "", props.isDimmed?.(row) ? styles.dimmed : ""].join(" ")
          }
          onRow={(row, index) =>
            ({
              id: rowId(idOf(row)),
              role: "row",
              "aria-rowindex": (index ?? 0) + 2,
              "aria-selected": selected?.includes(idOf(row)) ?? undefined,
              onClick: () => {
                onCurrent?.(idOf(row));
                onOpen?.(row);
              },
            }) as object
          }
          onChange={(_, __, sorter) => {
            const one = Array.isArray(sorter) ? sorter[0] : sorter;
            const name = columns.find(column => column.key === one?.columnKey)?.sort;
            onSort?.(name === undefined || !one?.order ? "" : one.order === "descend" ? `-${name}` : name);
          }}
          onScroll={event => {
            const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
            if (scrollHeight - scrollTop - clientHeight < NEAR) {
              onEnd?.();
            }
          }}
        />
      </div>
    </div>
  );
}

/** antd builds the header as a table of its own and the rows as divs; to who listens, both are parts of one grid. */
function asGrid(frame: HTMLElement): void {
  for (const part of frame.querySelectorAll("table, thead")) {
    part.setAttribute("role", "presentation");
  }
  const body = frame.querySelector(".ant-table-tbody-virtual-holder");
  body?.setAttribute("role", "rowgroup");
  // The grid itself is the one tab stop; what scrolls in it is reached by its keys.
  body?.setAttribute("tabindex", "-1");
  // The frame for waiting, which is not used here, is neither a row nor a group.
  for (const name of ["aria-busy", "aria-live"]) {
    frame.querySelector(`[${name}]`)?.removeAttribute(name);
  }
}

/** Enter on a button or link inside is theirs. */
function isOwn(event: KeyboardEvent): boolean {
  return !(event.target instanceof HTMLElement && event.target.closest("button, a, [role=button]"));
}
