import { type RefObject, useEffect, useRef } from "react";

/** Where one is in a list, and where one was when the page was left. */
export interface Place {
  /** The row that shall stand first in sight again, once as much is read as was; then call `arrived`. */
  goTo: string | undefined;
  arrived: () => void;
  /** Keeps which row stands first in sight. */
  keep: (id: string) => void;
}

/** Time in ms after which a list that was scrolled is at rest. */
const REST_MS = 100;
const ROWS = "[data-row-key]";

/**
 * Keeps which row of a list stands first in sight, and brings it there when the page is opened again: by `reveal`, where
 * only the rows in sight are in the page. Rows say their id as `data-row-key`, as those of antd's table do.
 */
export function usePlace(
  frame: RefObject<HTMLElement | null>,
  place: Place | undefined,
  isReady = true,
  reveal = (id: string): void =>
    frame.current?.querySelector(`[data-row-key="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "start" }),
): void {
  const latest = useRef(place);
  useEffect(() => {
    latest.current = place;
    if (isReady && place?.goTo !== undefined) {
      reveal(place.goTo);
      place.arrived();
    }
  });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = (scroller: Element): void => {
      const top = scroller.getBoundingClientRect().top;
      const rows = [...(frame.current?.querySelectorAll<HTMLElement>(ROWS) ?? [])];
      const first = rows.find(row => row.getBoundingClientRect().bottom > top + 1)?.dataset.rowKey;
      if (first !== undefined) {
        latest.current?.keep(first);
      }
    };
    const onScroll = ({ target }: Event): void => {
      const own = frame.current;
      if (own && target instanceof Element && (target.contains(own) || own.contains(target))) {
        clearTimeout(timer);
        timer = setTimeout(() => look(target), REST_MS);
      }
    };
    document.addEventListener("scroll", onScroll, { capture: true, passive: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener("scroll", onScroll, { capture: true });
    };
  }, [frame]);
}
