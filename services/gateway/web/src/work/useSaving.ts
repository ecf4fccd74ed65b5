import { useState } from "react";
import { useShortcuts } from "@/habits/shortcuts";

/**
 * A box that closes once it is saved, by Ctrl Enter too; until then, and where that failed, what was written stays. While
 * it is being saved `cancel` does nothing: the answer would find the box gone, and close the next one.
 */
export function useSaving(save: (() => Promise<boolean>) | undefined, onSaved: () => void, onCancel: () => void) {
  const [isBusy, setBusy] = useState(false);
  const [isFailed, setFailed] = useState(false);
  const confirm = async (): Promise<void> => {
    if (!save || isBusy) {
      return;
    }
    setBusy(true);
    setFailed(false);
    const isSaved = await save();
    setBusy(false);
    setFailed(!isSaved);
    if (isSaved) {
      onSaved();
    }
  };
  useShortcuts([{ keys: "Mod+Enter", inInputs: true, run: () => void confirm() }]);
  return { isBusy, isFailed, confirm, cancel: () => !isBusy && onCancel() };
}
