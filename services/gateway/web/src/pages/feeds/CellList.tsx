import { arrivalsText } from "@/arrivals/messages";
import { useText, word } from "@/i18n";
import { cityLabel } from "@/places/cityName";
import { CellMark } from "./CellMark";
import styles from "./feeds.module.css";
import type { Cell } from "./grid";
import { feedsText } from "./messages";

/** On a phone: only the cells that are not well, worst first. */
export function CellList({ cells, open }: { cells: readonly Cell[]; open: (cell: Cell) => void }) {
  const t = useText(feedsText);
  const arrivals = useText(arrivalsText);
  return (
    <ul className={styles.cells} aria-label={t.problems}>
      {cells.map(cell => (
        <li key={`${cell.city}/${cell.kind}`}>
          <button type="button" className={styles.row} disabled={!cell.file} onClick={() => open(cell)}>
            <CellMark cell={cell} />
            <span>
              {cityLabel(cell.city)} {word(arrivals.kind, cell.kind)}
            </span>
            <span className="kam-secondary">{t.state[cell.state]}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
