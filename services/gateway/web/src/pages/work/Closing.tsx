import { Modal } from "antd";
import { useState } from "react";
import { useDraft } from "@/habits/drafts";
import { common, useText, word } from "@/i18n";
import styles from "@/work/act.module.css";
import { type Outcome, outcomesOf } from "@/work/choices";
import { workPageText } from "./messages";

interface Props {
  /** Kinds of the items that are closed: outcomes that fit all of them are offered. */
  kinds: readonly string[];
  n: number;
  draft: string;
  onClose: () => void;
  onConfirm: (outcome: Outcome, note?: string) => void;
}

/** With which outcome items are closed; it resolves their alerts, so it is said before. */
export function Closing({ kinds, n, draft, onClose, onConfirm }: Props) {
  const t = useText(workPageText);
  const shared = useText(common);
  const [outcome, setOutcome] = useState<Outcome>();
  const [note, setNote, clearNote] = useDraft(`work/${draft}/closing`);
  const [first = [], ...rest] = [...new Set(kinds)].map(outcomesOf);
  const offered = first.filter(each => rest.every(others => others.includes(each)));
  return (
    <Modal
      open
      title={t.closeTitle}
      okText={shared.action.close}
      okButtonProps={{ disabled: !outcome }}
      onOk={() => {
        if (outcome) {
          onConfirm(outcome, note.trim() || undefined);
          clearNote();
          onClose();
        }
      }}
      onCancel={onClose}
      width={440}
    >
      <div className={styles.form}>
        <p className="kam-secondary">{t.closeBody(n)}</p>
        <div className={styles.chips}>
          {offered.map(each => (
            <button
              key={each}
              type="button"
              className={styles.chip}
              aria-pressed={outcome === each}
              onClick={() => setOutcome(each)}
            >
              {word(shared.outcome, each)}
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
      </div>
    </Modal>
  );
}
