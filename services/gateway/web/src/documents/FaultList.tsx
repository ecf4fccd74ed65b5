import { Alert, Button } from "antd";
import { useLanguage, useText } from "@/i18n";
import type { Fault } from "./api";
import styles from "./documents.module.css";
import { documentsText } from "./messages";

interface Props {
  faults: readonly Fault[];
  /** Where one is, in words; without it its path. */
  placeOf?: (fault: Fault) => string;
  onGo: (fault: Fault) => void;
}

/** All that is wrong with a document; each entry leads to its place. */
export function FaultList({ faults, placeOf, onGo }: Props) {
  const t = useText(documentsText);
  const language = useLanguage();
  return (
    <Alert
      type="error"
      role="alert"
      title={t.faults(faults.length)}
      description={
        <ul className={styles.faultList}>
          {faults.map(fault => (
            <li key={`${fault.field} ${fault.en}`}>
              <Button type="link" size="small" onClick={() => onGo(fault)}>
                {placeOf?.(fault) ?? (fault.field || t.wholeDocument)}
              </Button>
              {fault[language]}
            </li>
          ))}
        </ul>
      }
    />
  );
}

/** Brings the field of a fault into sight, with the focus in it; where it has none, the nearest around it. */
export function goToField(path: string): void {
  for (let place = path; place; place = place.replace(/(\.[^.[\]]+|\[\d+\]|^[^.[\]]+)$/, "")) {
    const field = [...document.querySelectorAll<HTMLElement>("[data-field]")].find(
      each => each.dataset.field === place,
    );
    if (field) {
      field.scrollIntoView?.({ block: "center" });
      field.querySelector<HTMLElement>("input, textarea, [role=combobox], button")?.focus({ preventScroll: true });
      return;
    }
  }
}
