import { useEffect, useRef } from "react";
import { Ago } from "@/components/Time";
import { span } from "@/format";
import { useLanguage, useText } from "@/i18n";
import styles from "./chain.module.css";
import { type Placed, sortOf, walk } from "./layout";
import { whyText } from "./messages";

interface Props {
  placed: readonly Placed[];
  /** The fact that is open. */
  current: string | undefined;
  onCurrent: (id: string) => void;
  /** As a list: one under the other, whatever came of what. */
  asList: boolean;
}

/** px of the picture's grid; the style sheet has the same. */
const [WIDTH, HEIGHT, GAP] = [196, 92, 44];

/** A chain of facts one can walk: a list in the order of time, drawn as a tree; the arrows lead along causes. */
export function ChainPicture({ placed, current, onCurrent, asList }: Props) {
  const t = useText(whyText);
  const language = useLanguage();
  const list = useRef<HTMLOListElement>(null);
  const columns = Math.max(0, ...placed.map(({ column }) => column)) + 1;
  const rows = Math.max(0, ...placed.map(({ row }) => row)) + 1;
  useEffect(() => {
    if (current && list.current?.contains(document.activeElement)) {
      list.current.querySelector<HTMLElement>(`[data-id="${CSS.escape(current)}"]`)?.focus();
    }
  }, [current]);

  return (
    <div className={asList ? styles.listFrame : styles.frame}>
      {!asList && <Arrows placed={placed} columns={columns} rows={rows} />}
      <ol
        ref={list}
        className={asList ? styles.list : styles.picture}
        style={
          asList
            ? undefined
            : {
                gridTemplateColumns: `repeat(${columns}, ${WIDTH}px)`,
                gridTemplateRows: `repeat(${rows}, ${HEIGHT}px)`,
              }
        }
      >
        {placed.map(({ link, column, row, after }, at) => {
          const sort = sortOf(link.type);
          const isCurrent = link.id === current;
          return (
            <li key={link.id} style={asList ? undefined : { gridColumn: column + 1, gridRow: row + 1 }}>
              <button
                type="button"
                data-id={link.id}
                className={`${styles.node} ${styles[sort]} ${isCurrent ? styles.current : ""}`}
                aria-pressed={isCurrent}
                tabIndex={isCurrent || (!current && at === 0) ? 0 : -1}
                onClick={() => onCurrent(link.id)}
                onKeyDown={event => {
                  if (event.key.startsWith("Arrow")) {
                    event.preventDefault();
                    const next = walk(placed, link.id, event.key);
                    if (next) {
                      onCurrent(next);
                    }
                  }
                }}
              >
                <span className={styles.head}>
                  <b>{t.sort[sort]}</b>
                  {link.at && <Ago at={link.at} />}
                </span>
                <span className={styles.said}>{language === "zh" ? link.summary_zh : link.summary_en}</span>
                {after !== undefined && <span className={styles.after}>{t.after(span(after, language))}</span>}
              </button>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Arrows({ placed, columns, rows }: { placed: readonly Placed[]; columns: number; rows: number }) {
  const places = new Map(placed.map(each => [each.link.id, each]));
  const left = (column: number): number => column * (WIDTH + GAP);
  const middle = (row: number): number => row * (HEIGHT + GAP / 2) + HEIGHT / 2;
  return (
    <svg className={styles.arrows} width={columns * (WIDTH + GAP) - GAP} height={rows * (HEIGHT + GAP / 2)} aria-hidden>
      <defs>
        <marker id="chain-end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0 8 4 0 8Z" />
        </marker>
      </defs>
      {placed.map(({ link, column, row, cause }) => {
        const from = cause && places.get(cause.id);
        if (!from) {
          return null;
        }
        const [x1, y1, x2, y2] = [left(from.column) + WIDTH, middle(from.row), left(column) - 2, middle(row)];
        const bend = x1 + GAP / 2;
        return <path key={link.id} d={`M${x1} ${y1}H${bend}V${y2}H${x2}`} markerEnd="url(#chain-end)" />;
      })}
    </svg>
  );
}
