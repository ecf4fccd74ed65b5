import { useCallback, useState } from "react";
import { own } from "./owner";

const nameOf = (key: string): string => own("kam.kept") + key;

/**
 * A state of a page that Back, a reload and the next day find again: the row one stood on, what was selected. Each tab has
 * its own; a new one begins with that of the last. It is the person's own, and holds ids, nothing personal.
 */
export function useKept<T>(key: string, first: T): [value: T, set: (next: T) => void] {
  const [value, setValue] = useState<T>(() => readKept<T>(key) ?? first);
  const set = useCallback(
    (next: T) => {
      setValue(next);
      writeKept(key, next);
    },
    [key],
  );
  return [value, set];
}

export function writeKept<T>(key: string, value: T): void {
  try {
    for (const storage of [sessionStorage, localStorage]) {
      // "null" says in this tab that there is none, whatever another one has.
      storage.setItem(nameOf(key), JSON.stringify(value ?? null));
    }
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

export function readKept<T>(key: string): T | undefined {
  try {
    const text = sessionStorage.getItem(nameOf(key)) ?? localStorage.getItem(nameOf(key));
    return JSON.parse(text ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}
