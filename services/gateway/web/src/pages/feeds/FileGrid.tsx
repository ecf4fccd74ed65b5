import { type KeyboardEvent, useRef, useState } from "react";
import { arrivalsText } from "@/arrivals/messages";
import { useText, word } from "@/i18n";
import { cityLabel } from "@/places/cityName";
import { CellMark, useCellText } from "./CellMark";
import styles from "./feeds.module.css";
import { at, type Cell, type Grid, stemOf } from "./grid";
import { feedsText } from "./messages";

interface Props {
  grid: Grid;
  current: string | undefined;
  open: (cell: Cell) => void;
}

const STEPS: Readonly<Record<string, [rows: number, columns: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/** City by kind: one tab stop, arrows move, Enter opens. */
export function FileGrid({ grid, current, open }: Props) {
  const t = useText(feedsText);
  const arrivals = useText(arrivalsText);
  const told = useCellText();
  const table = useRef<HTMLTableElement>(null);
  const [place, setPlace] = useState<[row: number, column: number]>([0, 0]);
  const move = (event: KeyboardEvent): void => {
    const step = STEPS[event.key];
    if (!step) {
      return;
    }
    event.preventDefault();
    const row = Math.max(0, Math.min(grid.cities.length - 1, place[0] + step[0]));
    const column = Math.max(0, Math.min(grid.kinds.length - 1, place[1] + step[1]));
    setPlace([row, column]);
    table.current?.querySelector<HTMLElement>(`[data-place="${row}/${column}"]`)?.focus();
  };
  return (
    <div className={styles.scroll}>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a table whose cells are walked by arrows is a grid */}
      <table ref={table} role="grid" className={styles.grid} aria-label={t.arrivals} onKeyDown={move}>
        <thead>
          <tr>
            <th scope="col">{t.city}</th>
            {grid.kinds.map(kind => (
              <th key={kind} scope="col" title={kind}>
                {word(arrivals.kind, kind)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {grid.cities.map((city, row) => (
            <tr key={city}>
              <th scope="row">{cityLabel(city)}</th>
              {grid.kinds.map((kind, column) => {
                const cell = grid.cells.get(at(city, kind)) ?? { city, kind, state: "none", late: false, others: 0 };
                const isCurrent = cell.file && stemOf(cell.file.file) === current;
                return (
                  <td key={kind}>
                    <button
                      type="button"
                      data-place={`${row}/${column}`}
                      tabIndex={place[0] === row && place[1] === column ? 0 : -1}
                      className={`${styles.cell} ${isCurrent ? styles.current : ""}`}
                      aria-label={told(cell)}
                      title={told(cell)}
                      aria-disabled={!cell.file}
                      aria-current={isCurrent || undefined}
                      onFocus={() => setPlace([row, column])}
                      onClick={() => open(cell)}
                    >
                      <CellMark cell={cell} />
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
