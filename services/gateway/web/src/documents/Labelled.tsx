import { type ReactNode, useId } from "react";
import styles from "./documents.module.css";

/** A control under its name, outside of a document. */
export function Labelled({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <span className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      {children(id)}
    </span>
  );
}
