import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import { asProblem } from "@/api/problem";
import { common, useLanguage, useText } from "@/i18n";
import { useShortcuts } from "./shortcuts";

const SECONDS = 10;

/** What was just done, and how it is taken back. `undo` absent: the notice only tells. */
export interface Done {
  text: string;
  undo?: () => Promise<unknown>;
  tone?: "plain" | "error";
}

interface Undo {
  /** The latest of what was done, until its time is over. */
  current: Done | null;
  isUndoing: boolean;
  tell: (done: Done) => void;
  undo: () => Promise<void>;
  dismiss: () => void;
  /** While the pointer or the focus is on the bar, its time stands still. */
  hold: (held: boolean) => void;
}

const Context = createContext<Undo | null>(null);

/** `tell({text: "已知悉 12 条", undo})` shows the bar for ten seconds; `z` takes it back. */
export function useUndo(): Undo {
  const undo = useContext(Context);
  if (!undo) {
    throw new Error("useUndo outside of UndoProvider");
  }
  return undo;
}

export function UndoProvider({ children }: { children: ReactNode }) {
  const t = useText(common);
  const language = useLanguage();
  const [current, setCurrent] = useState<Done | null>(null);
  const [isUndoing, setUndoing] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  const dismiss = useCallback(() => {
    clearTimeout(timer.current);
    setCurrent(null);
  }, []);
  const hold = useCallback(
    (held: boolean) => {
      clearTimeout(timer.current);
      if (!held) {
        timer.current = setTimeout(dismiss, SECONDS * 1000);
      }
    },
    [dismiss],
  );
  const tell = useCallback(
    (done: Done) => {
      setCurrent(done);
      hold(false);
    },
    [hold],
  );
  const undo = useCallback(async () => {
    if (!current?.undo || isUndoing) {
      return;
    }
    clearTimeout(timer.current);
    setUndoing(true);
    try {
      await current.undo();
      tell({ text: t.undo.undone });
    } catch (error) {
      const problem = asProblem(error);
      const why = [t.undo.failed, problem.said(language), problem.reference && t.problem.reference(problem.reference)];
      tell({ text: why.filter(Boolean).join(" · "), undo: current.undo, tone: "error" });
    } finally {
      setUndoing(false);
    }
  }, [current, isUndoing, tell, t, language]);

  useShortcuts([
    {
      keys: "z",
      label: t.action.undo,
      group: t.shortcuts.item,
      run: () => (current?.undo ? void undo() : false),
    },
  ]);
  const value = useMemo(
    () => ({ current, isUndoing, tell, undo, dismiss, hold }),
    [current, isUndoing, tell, undo, dismiss, hold],
  );
  return <Context value={value}>{children}</Context>;
}
