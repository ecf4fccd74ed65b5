import { Modal } from "antd";
import { useState } from "react";
import { draftOf, useDraft } from "@/habits/drafts";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText, word } from "@/i18n";
import styles from "@/work/act.module.css";
import { type Outcome, outcomesOf } from "@/work/choices";
import { useSaving } from "@/work/useSaving";
import { workPageText } from "./messages";

interface Props {
  /** Kinds of the items that are closed: outcomes that fit all of them are offered. */
  kinds: readonly string[];
  ids: readonly string[];
  onClose: () => void;
  onConfirm: (outcome: Outcome, note?: string) => Promise<boolean>;
}

/** With which outcome items are closed; it resolves their alerts, so it is said before. */
export function Closing({ kinds, ids, onClose, onConfirm }: Props) {
  const t = useText(workPageText);
  const shared = useText(common);
  const [outcome, setOutcome] = useState<Outcome>();
  const [note, setNote, clearNote] = useDraft(`work/${draftOf(ids)}/closing`);
  const [first = [], ...rest] = [...new Set(kinds)].map(outcomesOf);
  const offered = first.filter(each => rest.every(others => others.includes(each)));
  const { isBusy, isFailed, confirm, cancel } = useSaving(
    outcome ? () => onConfirm(outcome, note.trim() || undefined) : undefined,
    () => {
      clearNote();
      onClose();
    },
    onClose,
  );
  useShortcuts(offered.map((each, at) => ({ keys: String(at + 1), run: () => setOutcome(each) })));
  return (
    <Modal
      open
      title={t.closeTitle}
      okText={shared.action.close}
      okButtonProps={{ disabled: !outcome }}
      confirmLoading={isBusy}
      onOk={() => void confirm()}
      cancelButtonProps={{ disabled: isBusy }}
      onCancel={cancel}
      width={440}
    >
      <div className={styles.form}>
        <p className="kam-secondary">{t.closeBody(ids.length)}</p>
        <div className={styles.chips}>
          {offered.map((each, at) => (
            <button
              key={each}
              type="button"
              className={styles.chip}
              aria-pressed={outcome === each}
              onClick={() => setOutcome(each)}
            >
              {word(shared.outcome, each)} <kbd>{at + 1}</kbd>
            </button>
          ))}
        </div>
        <textarea
          className={styles.note}
          rows={2}
          maxLength={4000}
          value={note}
          placeholder={t.closeNote}
          aria-label={t.closeNote}
          onChange={event => setNote(event.target.value)}
        />
        {isFailed && (
          <p className={styles.trouble} role="alert">
            {shared.problem.save}
          </p>
        )}
      </div>
    </Modal>
  );
}
