import { useCallback, useState } from "react";

const PREFIX = "kam.draft.";

/**
 * A text that survives an expired session, a reload and a closed tab: `useDraft("work/W1/note")`. Drafts stay in this
 * browser, are removed when what they were for is saved (`clear`), and all of them when the person signs out.
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

export function forgetDrafts(): void {
  for (const key of Object.keys(localStorage).filter(name => name.startsWith(PREFIX))) {
    localStorage.removeItem(key);
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

function write(key: string, text: string): void {
  try {
    if (text) {
      localStorage.setItem(PREFIX + key, text);
    } else {
      localStorage.removeItem(PREFIX + key);
    }
  } catch {
    // A browser that keeps nothing still has it in the field.
  }
}
