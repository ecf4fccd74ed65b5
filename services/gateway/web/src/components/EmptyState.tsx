import type { ReactNode } from "react";
import styles from "./blocks.module.css";

/** Why there is nothing, and in `children` what can be done about it: links and buttons. */
export function EmptyState({ text, children }: { text: ReactNode; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <span>{text}</span>
      {children}
    </div>
  );
}
