import { useQueryClient } from "@tanstack/react-query";
import type { FormInstance } from "antd";
import { useState } from "react";
import { asProblem, type Problem } from "@/api/client";
import { useUndo } from "@/habits/undo";

interface Save<T> {
  /** Sends it; on success tells `done` and reads the section anew. */
  save: (ask: () => Promise<T>, done: string, then?: (saved: T) => void) => Promise<void>;
  isSaving: boolean;
  refusal: Problem | null;
  forget: () => void;
}

/** Saving a form: what the server refuses stands at its field where it names one, else above the button. */
export function useSave<T>(section: string, form?: FormInstance): Save<T> {
  const client = useQueryClient();
  const { tell } = useUndo();
  const [isSaving, setSaving] = useState(false);
  const [refusal, setRefusal] = useState<Problem | null>(null);
  return {
    isSaving,
    refusal,
    forget: () => setRefusal(null),
    save: async (ask, done, then) => {
      setSaving(true);
      setRefusal(null);
      try {
        const saved = await ask();
        await client.invalidateQueries({ queryKey: ["admin", section] });
        tell({ text: done });
        then?.(saved);
      } catch (error) {
        const problem = asProblem(error);
        setRefusal(problem);
        if (problem.field && form) {
          form.scrollToField(problem.field);
        }
      } finally {
        setSaving(false);
      }
    },
  };
}
