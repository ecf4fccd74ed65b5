import { common, useText, word } from "@/i18n";
import styles from "./tags.module.css";

type Of = "alert" | "work" | "sms";
type Tone = "isNew" | "isGood" | "isBad" | "isOver" | "";

/** Glyph and tone of each state; the word comes from the messages. ⇧ is *escalated*: ↑ alone would read as *upgraded*. */
const LOOKS: Record<Of, Record<string, [glyph: string, tone: Tone]>> = {
  alert: {
    raised: ["✦", "isNew"],
    delivered: ["✉", ""],
    acknowledged: ["○", ""],
    acted: ["◐", ""],
    escalated: ["⇧", "isBad"],
    suppressed: ["‖", "isOver"],
    resolved: ["✓", "isGood"],
    expired: ["–", "isOver"],
  },
  work: {
    new: ["✦", "isNew"],
    accepted: ["○", ""],
    acted: ["◐", ""],
    closed: ["✓", "isGood"],
  },
  sms: {
    queued: ["…", ""],
    held: ["☾", ""],
    stopped: ["‖", "isBad"],
    waits: ["…", ""],
    sending: ["↗", ""],
    sent: ["↗", ""],
    delivered: ["✓", "isGood"],
    failed: ["✕", "isBad"],
    cancelled: ["–", "isOver"],
    suppressed: ["–", "isOver"],
    unknown: ["?", "isBad"],
  },
};

interface Props {
  of: Of;
  state: string;
  /** How an alert or work item ended. */
  outcome?: string | null;
  /** To whom an alert went up. */
  level?: string | null;
}

/** A state as glyph and word, with how it ended or, of an alert that went up, to whom. */
export function StateTag({ of, state, outcome, level }: Props) {
  const t = useText(common);
  const words = { alert: t.alertState, work: t.workState, sms: { ...t.smsState, ...t.smsHeld } }[of];
  const [glyph, tone] = Object.hasOwn(LOOKS[of], state) ? (LOOKS[of][state] as [string, Tone]) : ["·", ""];
  return (
    <span className={`${styles.state} ${tone && styles[tone]}`}>
      <span aria-hidden>{glyph}</span>
      {[word(words, state), outcome && word(t.outcome, outcome), state === "escalated" && level && word(t.level, level)]
        .filter(Boolean)
        .join(" · ")}
    </span>
  );
}
