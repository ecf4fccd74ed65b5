import { keepPreviousData, type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { digest } from "@/habits/digest";
import { readKept, writeKept } from "@/habits/kept";
import type { Place } from "@/habits/place";
import { type SteadyList, useSteady } from "@/habits/steady";
import { useUndo } from "@/habits/undo";
import { common, useText } from "@/i18n";

/** A page of rows as `GET /v1/lists/…` answers it. */
export interface RowPage<Row> {
  rows: Row[];
  total: number;
  next: string | null;
  as_of: string | null;
  seconds_behind: number | null;
  rebuilding?: boolean;
}

interface Asked<Row> {
  /** Name of the list and its filter: another key is another list. */
  queryKey: readonly unknown[];
  read: (cursor: string | undefined, signal?: AbortSignal) => Promise<RowPage<Row>>;
  /** Rows by their ids, as many as are there and seen. */
  readThese: (ids: readonly string[]) => Promise<RowPage<Row>>;
  idOf: (row: Row) => string;
  matches: (row: Row) => boolean;
}

export interface PagedList<Row> extends SteadyList<Row> {
  /** Where one is in it, found again by Back, a reload and the next day. */
  place: Place;
  query: UseQueryResult<RowPage<Row>>;
  /** As many as matched when it was read, without those that left since. */
  total: number;
  hasMore: boolean;
  /** Reads the page behind; does nothing while one is under way. */
  more: () => void;
  isReadingMore: boolean;
  /** Looks at the first page for changes and new rows, which wait. */
  look: () => void;
  /** Asks for all rows on the screen once more, where some changes may not have been told: those not seen any more go. */
  check: () => void;
  /** Reads anew: what waited comes in, what no longer matches goes. */
  refresh: () => void;
}

/** The row that stood first in sight, and how many rows bring it back, under which filter. */
interface Left {
  of: string;
  id: string;
  depth: number;
}

/** Most rows that are read again for who comes back. */
const DEEPEST = 2000;
/** Rows asked for at once by their ids. */
export const MOST_IDS = 100;
/** How often the first page is looked at for new rows, in ms; live messages are sooner. */
const EVERY_MS = 30_000;
const NONE: never[] = [];

/** A long list page by page, in which nothing moves until the person asks for it (see `useSteady`). */
export function usePagedList<Row>({ queryKey, read, readThese, idOf, matches }: Asked<Row>): PagedList<Row> {
  const t = useText(common);
  const { tell } = useUndo();
  const client = useQueryClient();
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => read(undefined, signal),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: "always",
    refetchOnWindowFocus: false,
    placeholderData: keepPreviousData,
  });
  const first = query.data;
  const ofPage = first?.rows.length ?? 0;
  const list = useSteady<Row>(first?.rows ?? NONE, { idOf, matches });
  const [behind, setBehind] = useState<{ of: RowPage<Row>; next: string | null; isBusy: boolean }>();
  const here = behind && behind.of === first ? behind : undefined;
  const next = here ? here.next : (first?.next ?? null);

  const key = JSON.stringify(queryKey);
  const name = `${queryKey[0]}/place`;
  // Whom a search found stands in the filter; that stays out of what is kept.
  const of = useMemo(() => digest(key), [key]);
  const [left, setLeft] = useState(() => readKept<Left>(name));
  const isBack = left?.of === of && query.isFetchedAfterMount && !query.isPlaceholderData;
  const isShort = isBack && next !== null && list.rows.length < Math.min(left.depth, DEEPEST);

  const more = (): void => {
    if (!first || !next || here?.isBusy || query.isPlaceholderData) {
      return;
    }
    setBehind({ of: first, next, isBusy: true });
    read(next).then(
      page => {
        list.extend(page.rows);
        setBehind({ of: first, next: page.next, isBusy: false });
      },
      () => {
        setBehind({ of: first, next, isBusy: false });
        setLeft(undefined);
        tell({ text: t.undo.failed, tone: "error" });
      },
    );
  };

  useEffect(() => {
    if (isShort) {
      more();
    }
  });

  // What came since stands at the head of the list or among its first rows.
  const look = useRef(() => undefined as unknown);
  useEffect(() => {
    look.current = () =>
      read(undefined).then(
        page => list.change(page.rows),
        () => undefined,
      );
  });
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && look.current(), EVERY_MS);
    return () => clearInterval(timer);
  }, []);

  // What was taken away must not come back for a moment from what was kept of the reading.
  const taken = useRef(false);
  useEffect(
    () => () => {
      if (taken.current) {
        taken.current = false;
        client.removeQueries({ queryKey: JSON.parse(key), exact: true });
      }
    },
    [client, key],
  );
  const drop = (isGone: (row: Row) => boolean): void => {
    taken.current ||= [...list.rows, ...list.waiting].some(isGone);
    list.drop(isGone);
  };
  const check = async (): Promise<void> => {
    const ids = [...list.rows, ...list.waiting].map(idOf);
    for (let at = 0; at < ids.length; at += MOST_IDS) {
      const asked = new Set(ids.slice(at, at + MOST_IDS));
      const { rows } = await readThese([...asked]);
      const there = new Set(rows.map(idOf));
      drop(row => asked.has(idOf(row)) && !there.has(idOf(row)));
      list.change(rows);
    }
    await look.current();
  };

  return {
    ...list,
    drop,
    query,
    place: {
      goTo: isBack && !isShort ? left.id : undefined,
      arrived: () => setLeft(undefined),
      // As deep as the row stands and a page more: not what was read far below it and left.
      keep: id => writeKept<Left>(name, { of, id, depth: list.rows.findIndex(row => idOf(row) === id) + ofPage }),
    },
    total: Math.max(0, (first?.total ?? 0) - list.leaving.size - list.gone),
    hasMore: next !== null,
    more,
    isReadingMore: here?.isBusy === true,
    look: () => void look.current(),
    // Where it can't be read, the next look shows it.
    check: () => void check().catch(() => undefined),
    refresh: () => void query.refetch(),
  };
}
