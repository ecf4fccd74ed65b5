import { useCallback, useMemo, useState } from "react";

/**
 * A list under live changes in which nothing moves under the hand: what changes is changed in its place, what is new
 * waits until the person asks for it, what no longer matches stays, dimmed, until then.
 */
export interface Steady<Row> {
  /** In the order in which they were read. */
  rows: readonly Row[];
  /** New ones, the newest first; not among `rows` yet. */
  waiting: readonly Row[];
  /** Ids of rows that no longer match. */
  leaving: ReadonlySet<string>;
  /** How many of what was read were taken away since. */
  gone: number;
}

interface Rules<Row> {
  idOf: (row: Row) => string;
  /** Whether a row belongs to what the list asks for. */
  matches: (row: Row) => boolean;
}

export function steady<Row>(rows: readonly Row[]): Steady<Row> {
  return { rows, waiting: [], leaving: new Set(), gone: 0 };
}

/** The list after live changes, whole rows as they are now, in the order in which they came. */
export function changed<Row>(list: Steady<Row>, news: readonly Row[], { idOf, matches }: Rules<Row>): Steady<Row> {
  if (news.length === 0) {
    return list;
  }
  const latest = new Map(news.map(row => [idOf(row), row]));
  const shown = new Set(list.rows.map(idOf));
  const leaving = new Set(list.leaving);
  for (const [id, row] of latest) {
    if (shown.has(id)) {
      if (matches(row)) {
        leaving.delete(id);
      } else {
        leaving.add(id);
      }
    }
  }
  const fresh = [...latest].filter(([id, row]) => !shown.has(id) && matches(row)).map(([, row]) => row);
  return {
    rows: list.rows.map(row => latest.get(idOf(row)) ?? row),
    waiting: [...fresh.reverse(), ...list.waiting.filter(row => !latest.has(idOf(row)))],
    leaving,
    gone: list.gone,
  };
}

/** The list with further rows behind it; those that it has already keep their place. */
export function extended<Row>(list: Steady<Row>, more: readonly Row[], { idOf }: Rules<Row>): Steady<Row> {
  const known = new Set([...list.rows, ...list.waiting].map(idOf));
  return { ...list, rows: [...list.rows, ...more.filter(row => !known.has(idOf(row)))] };
}

/** The list without rows that the person may not see any more: these don't wait for anybody's wish. */
export function without<Row>(list: Steady<Row>, isGone: (row: Row) => boolean, { idOf }: Rules<Row>): Steady<Row> {
  const gone = new Set([...list.rows, ...list.waiting].filter(isGone).map(idOf));
  const stays = (row: Row): boolean => !gone.has(idOf(row));
  return gone.size === 0
    ? list
    : {
        rows: list.rows.filter(stays),
        waiting: list.waiting.filter(stays),
        leaving: new Set([...list.leaving].filter(id => !gone.has(id))),
        gone: list.gone + list.rows.filter(row => gone.has(idOf(row))).length,
      };
}

export interface SteadyList<Row> extends Steady<Row> {
  /** Live changes. */
  change: (news: readonly Row[]) => void;
  /** Takes rows away at once. */
  drop: (isGone: (row: Row) => boolean) => void;
  /** The page behind. */
  extend: (more: readonly Row[]) => void;
}

/** `read` (rows as the server gave them, the same array until it is read anew) under the changes that came since. */
export function useSteady<Row>(read: readonly Row[], rules: Rules<Row>): SteadyList<Row> {
  const [held, setHeld] = useState({ read, list: steady(read) });
  // Read anew: what waited is in it, what was leaving is not.
  const list = held.read === read ? held.list : steady(read);
  const update = useCallback(
    (step: (list: Steady<Row>) => Steady<Row>) =>
      setHeld(last => ({ read, list: step(last.read === read ? last.list : steady(read)) })),
    [read],
  );
  return useMemo(
    () => ({
      ...list,
      change: news => update(last => changed(last, news, rules)),
      drop: isGone => update(last => without(last, isGone, rules)),
      extend: more => update(last => extended(last, more, rules)),
    }),
    [list, update, rules],
  );
}
