import { Fragment, type KeyboardEvent, useEffect, useRef } from "react";
import { Ago } from "@/components/Time";
import { span } from "@/format";
import { useLanguage, useText, word } from "@/i18n";
import styles from "./chain.module.css";
import { type ChainLink, type Placed, periodsOf, sortOf, walk } from "./layout";
import { whyText } from "./messages";

interface Props {
  placed: readonly Placed[];
  /** The fact that is open. */
  current: string | undefined;
  onCurrent: (id: string) => void;
  /** Whether the facts of a group are shown. */
  isOpen: (group: string) => boolean;
  onOpen: (group: string) => void;
  /** As a list: one under the other, whatever came of what. */
  asList: boolean;
}

/** px of the picture's grid; the style sheet has the same. */
const [WIDTH, HEIGHT, GAP] = [196, 92, 44];

/** A chain of facts one can walk: a list, drawn as a tree; the arrows lead along causes. */
export function ChainPicture({ placed, current, onCurrent, isOpen, onOpen, asList }: Props) {
  const list = useRef<HTMLOListElement>(null);
  const columns = Math.max(0, ...placed.map(({ column }) => column)) + 1;
  const rows = Math.max(0, ...placed.map(({ row }) => row)) + 1;
  useEffect(() => {
    if (current && list.current?.contains(document.activeElement)) {
      list.current.querySelector<HTMLElement>(`[data-id="${CSS.escape(current)}"]`)?.focus();
    }
  }, [current]);
  const shown = placed.some(({ link }) => link.id === current) ? current : placed[0]?.link.id;

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
        {placed.map(each => {
          const { link, column, row, members } = each;
          const step = (event: KeyboardEvent): void => {
            if (event.key.startsWith("Arrow")) {
              event.preventDefault();
              const next = walk(placed, link.id, event.key);
              if (next) {
                onCurrent(next);
              }
            }
          };
          const common = { "data-id": link.id, tabIndex: link.id === shown ? 0 : -1, onKeyDown: step };
          return (
            <li key={link.id} style={asList ? undefined : { gridColumn: column + 1, gridRow: row + 1 }}>
              {members ? (
                <button
                  {...common}
                  type="button"
                  className={`${styles.node} ${styles.group}`}
                  aria-expanded={isOpen(link.id)}
                  onClick={() => onOpen(link.id)}
                >
                  <Group type={link.type} members={members} isOpen={isOpen(link.id)} />
                </button>
              ) : (
                <button
                  {...common}
                  type="button"
                  className={`${styles.node} ${styles[sortOf(link.type)]} ${link.id === current ? styles.current : ""}`}
                  aria-pressed={link.id === current}
                  onClick={() => onCurrent(link.id)}
                >
                  <Said placed={each} />
                </button>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function Said({ placed: { link, after } }: { placed: Placed }) {
  const t = useText(whyText);
  const language = useLanguage();
  return (
    <>
      <span className={styles.head}>
        <b>{t.sort[sortOf(link.type)]}</b>
        {link.at && <Ago at={link.at} />}
      </span>
      <span className={styles.said}>{language === "zh" ? link.summary_zh : link.summary_en}</span>
      {after !== undefined && <span className={styles.after}>{t.after(span(after, language))}</span>}
    </>
  );
}

/** Facts of one kind on which an alert rests, in one line. */
function Group({ type, members, isOpen }: { type: string; members: readonly ChainLink[]; isOpen: boolean }) {
  const t = useText(whyText);
  const language = useLanguage();
  return (
    <>
      <span className={styles.head}>
        <b>{t.sort[sortOf(type)]}</b>
        <span>
          {isOpen ? t.fold : t.unfold} <span aria-hidden>{isOpen ? "▾" : "▸"}</span>
        </span>
      </span>
      <span className={styles.said}>
        {word(t.evidence, type.split(".")[2] ?? type)} {periodsOf(members, language)}
      </span>
      <span className={styles.after}>{t.count(members.length)}</span>
    </>
  );
}

function Arrows({ placed, columns, rows }: { placed: readonly Placed[]; columns: number; rows: number }) {
  const places = new Map(placed.map(each => [each.link.id, each]));
  return (
    <svg className={styles.arrows} width={columns * (WIDTH + GAP) - GAP} height={rows * (HEIGHT + GAP / 2)} aria-hidden>
      <defs>
        <marker id="chain-end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0 8 4 0 8Z" />
        </marker>
      </defs>
      {placed.map(each => {
        const [cause, alert] = [each.cause && places.get(each.cause.id), places.get(each.evidenceOf ?? "")];
        return (
          <Fragment key={each.link.id}>
            {cause && <path d={line(cause, each)} markerEnd="url(#chain-end)" />}
            {alert && <path d={line(each, alert)} className={styles.evidence} />}
          </Fragment>
        );
      })}
    </svg>
  );
}

/** From the right of one fact to the left of another, turning just before it. */
function line(from: Placed, to: Placed): string {
  const left = (column: number): number => column * (WIDTH + GAP);
  const middle = (row: number): number => row * (HEIGHT + GAP / 2) + HEIGHT / 2;
  const end = left(to.column);
  return `M${left(from.column) + WIDTH} ${middle(from.row)}H${end - GAP / 2}V${middle(to.row)}H${end - 2}`;
}
