import { common, useText, word } from "@/i18n";
import styles from "./tags.module.css";

/** Told apart by fill, glyph and word: also in grey, also by who sees no red. */
const GLYPHS: Record<string, string> = { critical: "◆", major: "▲", minor: "●" };

/** How urgent, as the event says it: `critical`, `major` or `minor`. */
export function SeverityTag({ severity }: { severity: string }) {
  const t = useText(common);
  const known = Object.hasOwn(GLYPHS, severity) ? severity : "minor";
  return (
    <span className={`${styles.tag} ${styles[known]}`}>
      <span aria-hidden>{GLYPHS[known]}</span>
      {word(t.severity, severity)}
    </span>
  );
}
