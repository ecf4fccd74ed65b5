import { useCallback, useState } from "react";

const PREFIX = "kam.kept.";

/** A state of a page that Back and a reload find again, in this tab alone: the row one stood on, what was selected. */
export function useKept<T>(key: string, first: T): [value: T, set: (next: T) => void] {
  const [value, setValue] = useState<T>(() => read(key) ?? first);
  const set = useCallback(
    (next: T) => {
      setValue(next);
      try {
        if (next === undefined) {
          sessionStorage.removeItem(PREFIX + key);
        } else {
          sessionStorage.setItem(PREFIX + key, JSON.stringify(next));
        }
      } catch {
        // A browser that keeps nothing forgets it with the page.
      }
    },
    [key],
  );
  return [value, set];
}

function read<T>(key: string): T | undefined {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + key) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}
