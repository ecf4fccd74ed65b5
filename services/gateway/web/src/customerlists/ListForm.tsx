import { Input } from "antd";
import { useState } from "react";
import styles from "@/documents/documents.module.css";
import { Field, useEdit, usePlace } from "@/documents/edit";
import { choices, Line, OneOf } from "@/documents/inline";
import { documentsText } from "@/documents/messages";
import { number } from "@/format";
import { useLanguage, useText } from "@/i18n";
import { linesOf } from "./lines";
import { listsText } from "./messages";

/** A list of customers: what it is for, and whom it names, one a line as people paste them. */
export default function ListForm() {
  const t = useText(listsText);
  const words = useText(documentsText);
  const language = useLanguage();
  const { faults, isNew } = useEdit();
  const { value, set } = usePlace<string[]>("customers");
  const ids = Array.isArray(value) ? value : [];
  const listed = ids.join("\n");
  // As it is typed, empty lines too, as long as it says the same as the document.
  const [typed, setTyped] = useState(listed);
  const within = faults.filter(fault => fault.field.startsWith("customers["));
  return (
    <div className={styles.shape}>
      <div className={styles.row}>
        {isNew && <Line path="id" label={words.id} hint={words.idHint} maxLength={64} />}
        <Line path="name_zh" label={t.nameZh} />
        <Line path="name_en" label={t.nameEn} />
        <OneOf path="purpose" label={t.purpose} options={choices(t.purposes)} />
      </div>
      <Field path="customers" label={t.customers}>
        {control => (
          <Input.TextArea
            {...control}
            className={styles.code}
            rows={16}
            spellCheck={false}
            value={linesOf(typed).join("\n") === listed ? typed : listed}
            onChange={event => {
              setTyped(event.target.value);
              set(linesOf(event.target.value));
            }}
          />
        )}
      </Field>
      <span className="kam-secondary">{t.count(number(ids.length))}</span>
      {within.length > 0 && (
        <ul className={styles.faults}>
          {within.map(fault => (
            <li key={fault.field}>
              {fault.field} {fault[language]}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
