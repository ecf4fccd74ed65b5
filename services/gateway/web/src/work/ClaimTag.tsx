import { money } from "@/format";
import { common, messages, useText, word } from "@/i18n";
import type { Claim } from "./claim";
import styles from "./claim.module.css";

const text = messages(
  {
    awaiting: (outcome: string) => `标为${outcome} · 待 BOSS 核实`,
    confirmed: (outcome: string) => `${outcome} · 已核实`,
    owes: (outcome: string, amount: string) => `标为${outcome}，仍欠 ${amount}`,
    contradicted: (outcome: string) => `标为${outcome}，BOSS 记录不符`,
    said: (outcome: string) => `结果：${outcome}`,
  },
  {
    awaiting: outcome => `Marked ${outcome.toLowerCase()} · awaiting BOSS`,
    confirmed: outcome => `${outcome} · confirmed`,
    owes: (outcome, amount) => `Marked ${outcome.toLowerCase()}, still owes ${amount}`,
    contradicted: outcome => `Marked ${outcome.toLowerCase()}, BOSS says otherwise`,
    said: outcome => `Outcome: ${outcome}`,
  },
);

/** An outcome that is claimed and one that is proved look different: by word, glyph and frame. */
export function ClaimTag({ outcome, claim }: { outcome: string; claim: Claim | undefined }) {
  const t = useText(text);
  const name = word(useText(common).outcome, outcome);
  if (!claim) {
    return <span className={styles.claim}>{t.said(name)}</span>;
  }
  const { standing, owes } = claim;
  const glyph = { awaiting: "◌", confirmed: "✓", contradicted: "✕" }[standing];
  return (
    <span className={`${styles.claim} ${styles[standing]}`}>
      <span aria-hidden>{glyph} </span>
      {standing === "contradicted" && owes !== undefined ? t.owes(name, money(owes)) : t[standing](name)}
    </span>
  );
}
