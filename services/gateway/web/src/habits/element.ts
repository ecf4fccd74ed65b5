import { type RefObject, useEffect, useState, useSyncExternalStore } from "react";

/** Inner size in px of an element, followed as it changes; 0 × 0 before it is there. */
export function useSize(ref: RefObject<HTMLElement | null>): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = element;
      setSize(last => (last.width === width && last.height === height ? last : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
}

const paper = globalThis.matchMedia?.("print");

/** While the page is printed: then all rows stand on it, not those in sight alone. */
export function usePrinting(): boolean {
  return useSyncExternalStore(
    listener => {
      paper?.addEventListener("change", listener);
      return () => paper?.removeEventListener("change", listener);
    },
    () => paper?.matches ?? false,
  );
}

export type Breadth = "phone" | "tablet" | "desktop";

const tablet = globalThis.matchMedia?.("(min-width: 768px)");
const desktop = globalThis.matchMedia?.("(min-width: 1280px)");

/** Below 768 px one thing at a time, from 1280 px the panel beside the list, a drawer in between. */
export function useBreadth(): Breadth {
  return useSyncExternalStore(
    listener => {
      for (const query of [tablet, desktop]) {
        query?.addEventListener("change", listener);
      }
      return () => {
        for (const query of [tablet, desktop]) {
          query?.removeEventListener("change", listener);
        }
      };
    },
    () => (desktop?.matches ? "desktop" : tablet?.matches ? "tablet" : "phone"),
  );
}
