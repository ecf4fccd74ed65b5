import { useCallback, useState } from "react";
import { digest } from "./digest";
import { own } from "./owner";

const nameOf = (key: string): string => own("kam.draft") + key;

/**
 * A text that survives an expired session, a reload and a closed tab: `useDraft("work/W1/note")`. Drafts stay in this
 * browser, are shown to who wrote them only, are removed when what they were for is saved (`clear`), and all of the
 * person's when they sign out.
 */
export function useDraft(key: string, first = ""): [text: string, set: (text: string) => void, clear: () => void] {
  const [held, setHeld] = useState({ key, text: read(key) ?? first });
  // The same field for another item shows that item's draft.
  const text = held.key === key ? held.text : (read(key) ?? first);
  const set = useCallback(
    (next: string) => {
      setHeld({ key, text: next });
      write(key, next);
    },
    [key],
  );
  const clear = useCallback(() => set(""), [set]);
  return [text, set, clear];
}

/** Whose draft it is: one item has its own, and so have these several, in whatever order. */
export const draftOf = (ids: readonly string[]): string =>
  ids.length === 1 ? (ids[0] as string) : `bulk-${digest([...ids].sort().join(","))}`;

export function forgetDrafts(): void {
  for (const key of Object.keys(localStorage).filter(name => name.startsWith(nameOf("")))) {
    localStorage.removeItem(key);
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(nameOf(key));
  } catch {
    return null;
  }
}

function write(key: string, text: string): void {
  try {
    if (text) {
      localStorage.setItem(nameOf(key), text);
    } else {
      localStorage.removeItem(nameOf(key));
    }
  } catch {
    // A browser that keeps nothing still has it in the field.
  }
}
