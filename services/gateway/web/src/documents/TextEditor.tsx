import { Button, Input } from "antd";
import type { TextAreaRef } from "antd/es/input/TextArea";
import { useRef } from "react";
import { useLanguage, useText } from "@/i18n";
import type { Fault } from "./api";
import styles from "./documents.module.css";
import { documentsText } from "./messages";
import { lineOf } from "./yaml";

interface Props {
  text: string;
  onChange: (text: string) => void;
  faults: readonly Fault[];
}

/** The whole document as text; each fault leads to its line. Comes with the reader of YAML, when it is first opened. */
export default function TextEditor({ text, onChange, faults }: Props) {
  const t = useText(documentsText);
  const language = useLanguage();
  const area = useRef<TextAreaRef>(null);
  const go = (line: number): void => {
    const element = area.current?.resizableTextArea?.textArea;
    const lines = text.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    element?.focus();
    element?.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  };
  const placed = faults.map(fault => ({ fault, line: lineOf(text, fault.field || fault.en) }));
  return (
    <div className={styles.text} data-field="">
      {placed.length > 0 && (
        <ul className={styles.faults}>
          {placed.map(({ fault, line }) => (
            <li key={`${fault.field} ${fault.en}`}>
              <Button type="link" size="small" onClick={() => go(line)}>
                {t.line(line)} {fault.field}
              </Button>
              {fault[language]}
            </li>
          ))}
        </ul>
      )}
      <Input.TextArea
        ref={area}
        aria-label={t.textLabel}
        className={styles.code}
        value={text}
        spellCheck={false}
        rows={24}
        status={placed.length > 0 ? "error" : undefined}
        onChange={event => onChange(event.target.value)}
      />
    </div>
  );
}
