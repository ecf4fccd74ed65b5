import { useState } from "react";
import { useShortcuts } from "@/habits/shortcuts";
import { ACTS, type Act, type Result } from "./choices";

/** What was done, a call until something else is chosen. Number keys choose it first, then what came of it. */
export function useNumberKeys(results: readonly Result[], chooseResult: (result: Result) => void) {
  const [kind, setKind] = useState<Act>(ACTS[0]);
  const [isKindChosen, setKindChosen] = useState(false);
  const chooseKind = (what: Act, isChosen = true): void => {
    setKind(what);
    setKindChosen(isChosen);
  };
  useShortcuts(
    [1, 2, 3, 4, 5, 6].map(n => ({
      keys: String(n),
      run: () => {
        const act = isKindChosen ? undefined : ACTS[n - 1];
        const result = isKindChosen ? results[n - 1] : undefined;
        if (act) {
          chooseKind(act);
        } else if (result) {
          chooseResult(result);
        } else {
          return false;
        }
      },
    })),
  );
  return { kind, isKindChosen, chooseKind, begin: () => chooseKind(ACTS[0], false) };
}
