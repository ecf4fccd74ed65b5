import { money } from "@/format";
import { common, useText, word } from "@/i18n";
import type { Claim } from "./claim";
import styles from "./claim.module.css";
import { claimText } from "./messages";

/** An outcome that is claimed and one that is proved look different: by word, glyph and frame. */
export function ClaimTag({ outcome, claim }: { outcome: string; claim: Claim | undefined }) {
  const t = useText(claimText);
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
