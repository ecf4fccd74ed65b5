import { arrivalsText } from "@/arrivals/messages";
import { number } from "@/format";
import { useText, word } from "@/i18n";
import { cityLabel } from "@/places/cityName";
import styles from "./feeds.module.css";
import { type Cell, LOOKS } from "./grid";
import { feedsText } from "./messages";

/** A cell in a few signs; what they mean stands in its label. */
export function CellMark({ cell }: { cell: Cell }) {
  const t = useText(feedsText);
  const [glyph, tone] = LOOKS[cell.state];
  return (
    <span aria-hidden className={`${styles.mark} ${tone && styles[tone]}`}>
      {glyph}
      {cell.state === "loading" && <small>{cell.file?.percent ?? 0}%</small>}
      {cell.state === "partial" && <small>{number(cell.file?.rejected)}</small>}
      {cell.late && <small>{t.late}</small>}
    </span>
  );
}

/** The same in words: `410300 账单：部分装载，拒 22 行`. */
export function useCellText(): (cell: Cell) => string {
  const t = useText(feedsText);
  const arrivals = useText(arrivalsText);
  return ({ city, kind, state, file, late, others }) =>
    [
      `${cityLabel(city)} ${word(arrivals.kind, kind)}`,
      state === "loading" ? `${t.state.loading} ${file?.percent ?? 0}%` : t.state[state],
      ...(file?.rejected ? [t.rejectedRows(number(file.rejected))] : []),
      ...(late ? [t.late] : []),
      ...(others ? [t.others(others)] : []),
    ].join(" · ");
}
