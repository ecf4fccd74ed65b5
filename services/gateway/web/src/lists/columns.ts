import { useState } from "react";

const KEY = "kam.columns.";

/** Which columns of a list a person wants to see, kept in this browser; null: those it comes with. */
export function useColumns(list: string): [chosen: readonly string[] | null, choose: (keys: string[] | null) => void] {
  const [chosen, setChosen] = useState<readonly string[] | null>(() => kept(list));
  const choose = (keys: string[] | null): void => {
    setChosen(keys);
    try {
      if (keys) {
        localStorage.setItem(KEY + list, JSON.stringify(keys));
      } else {
        localStorage.removeItem(KEY + list);
      }
    } catch {
      // A browser that keeps nothing shows them until the tab closes.
    }
  };
  return [chosen, choose];
}

function kept(list: string): string[] | null {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY + list) ?? "null");
    return Array.isArray(found) && found.length > 0 && found.every(key => typeof key === "string") ? found : null;
  } catch {
    return null;
  }
}
