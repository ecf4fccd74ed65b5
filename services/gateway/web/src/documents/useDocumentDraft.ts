import { useCallback, useEffect, useMemo, useRef } from "react";
import { useDraft } from "@/habits/drafts";
import type { Content } from "./model";

/** What somebody is writing. `text`: as text; else field by field. `after`: the version it is made from. */
export interface Written {
  after?: number;
  content: Content;
  text?: string;
  why: string;
}

interface Draft {
  written: Written;
  /** Whether it differs from what it began with. */
  isDirty: boolean;
  /** Whether it was there when the page was opened. */
  wasKept: boolean;
  write: (change: Partial<Written>) => void;
  discard: () => void;
}

/**
 * A document that is being written, kept in this browser until it is saved: an ended session, a reload, a closed tab
 * lose nothing. While it is not saved the browser asks before the tab is closed.
 */
export function useDocumentDraft(name: string, first: Written): Draft {
  const [held, setHeld, clear] = useDraft(`document/${name}`);
  const kept = useMemo(() => read(held), [held]);
  const wasKept = useRef(kept !== undefined);
  const written = kept ?? first;
  const latest = useRef(written);
  latest.current = written;
  const isDirty = kept !== undefined;
  const write = useCallback(
    (change: Partial<Written>) => {
      latest.current = { ...latest.current, ...change };
      setHeld(JSON.stringify(latest.current));
    },
    [setHeld],
  );
  useEffect(() => {
    if (!isDirty) {
      return;
    }
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isDirty]);
  return { written, isDirty, wasKept: wasKept.current, write, discard: clear };
}

function read(held: string): Written | undefined {
  try {
    const found: unknown = held ? JSON.parse(held) : undefined;
    return typeof found === "object" && found !== null && "content" in found ? (found as Written) : undefined;
  } catch {
    return undefined;
  }
}
