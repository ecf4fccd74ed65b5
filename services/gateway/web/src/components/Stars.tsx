import { common, useText } from "@/i18n";
import styles from "./tags.module.css";

const LOOKS: Record<number, string> = { 6: "star6", 5: "star5", 4: "star4" };

/** A customer's stars, 1 to 6; nothing where they are not known. */
export function Stars({ n }: { n: number | null | undefined }) {
  const t = useText(common);
  if (!n || n < 1) {
    return null;
  }
  return (
    <span className={`${styles.tag} ${styles[LOOKS[n] ?? "starPlain"]}`} role="img" aria-label={t.stars(n)}>
      ★{n}
    </span>
  );
}
