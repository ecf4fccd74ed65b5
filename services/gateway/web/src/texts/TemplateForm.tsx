import { Button, Input, Select } from "antd";
import { useRef, useState } from "react";
import { Boundary } from "@/components/Boundary";
import styles from "@/documents/documents.module.css";
import { Field, useEdit, usePlace } from "@/documents/edit";
import { choices, Line, Num } from "@/documents/inline";
import { Labelled } from "@/documents/Labelled";
import { documentsText } from "@/documents/messages";
import { common, useText } from "@/i18n";
import { textsText } from "./messages";
import { Preview } from "./Preview";
import texts from "./texts.module.css";
import { allowedIn, MANUAL, missingIn, VARIABLES, variablesOf } from "./variables";

/** A text in both languages beside each other: its variables checked while one types, and what customers would get. */
export default function TemplateForm() {
  const t = useText(textsText);
  const words = useText(documentsText);
  const { document, isNew } = useEdit();
  const [values, setValues] = useState<Readonly<Record<string, string>>>(VARIABLES);
  const isManual = document.kind === MANUAL;
  return (
    <div className={styles.shape}>
      <div className={styles.row}>
        {isNew && <Line path="id" label={words.id} hint={words.idHint} maxLength={64} />}
        <KindAndStep />
        <Num path="priority" />
      </div>
      <div className={texts.pair}>
        <TextField language="zh" other="en" />
        <TextField language="en" other="zh" />
      </div>
      {!isManual && (
        <fieldset className={styles.group}>
          <legend>{t.values}</legend>
          <div className={styles.row}>
            {Object.keys(VARIABLES).map(name => (
              <Labelled key={name} label={t.variables[name as keyof typeof t.variables]}>
                {id => (
                  <Input
                    id={id}
                    value={values[name]}
                    maxLength={60}
                    onChange={event => setValues({ ...values, [name]: event.target.value })}
                  />
                )}
              </Labelled>
            ))}
          </div>
        </fieldset>
      )}
      <Boundary what={t.preview} resetKey={`${document.zh} ${document.en}`}>
        <Preview document={document} values={isManual ? {} : values} />
      </Boundary>
    </div>
  );
}

/** Of which alert, at which step: those that there are words for, or another one. */
function KindAndStep() {
  const t = useText(textsText);
  const shared = useText(common);
  const kind = usePlace<string>("kind");
  const step = usePlace<string>("step");
  const kinds = choices({ ...shared.kindLong, [MANUAL]: t.manual });
  const steps = choices({ ...shared.stage, ...shared.outcome, ...(kind.value === MANUAL ? { manual: t.manual } : {}) });
  const one = (place: typeof kind, options: typeof kinds, hint: string, path: string) => (
    <Field path={path}>
      {control => (
        <Select
          {...control}
          className={texts.choice}
          mode="tags"
          maxCount={1}
          value={place.value ? [place.value] : []}
          placeholder={hint}
          options={options}
          popupMatchSelectWidth={false}
          onChange={next => place.set(next.at(-1) ?? "")}
        />
      )}
    </Field>
  );
  return (
    <>
      {one(kind, kinds, t.kindHint, "kind")}
      {one(step, steps, t.stepHint, "step")}
    </>
  );
}

function TextField({ language, other }: { language: "zh" | "en"; other: "zh" | "en" }) {
  const t = useText(textsText);
  const shared = useText(common);
  const { document } = useEdit();
  const { value = "", set } = usePlace<string>(language);
  const place = useRef<HTMLDivElement>(null);
  const kind = document.kind;
  const found = variablesOf(value, kind);
  const missing = missingIn(value, String(document[other] ?? ""), kind);
  const braced = (names: readonly string[]): string => names.map(name => `{${name}}`).join(shared.comma);
  const put = (name: string): void => {
    const area = place.current?.querySelector("textarea");
    const [start, end] = [area?.selectionStart ?? value.length, area?.selectionEnd ?? value.length];
    set(`${value.slice(0, start)}{${name}}${value.slice(end)}`);
    area?.focus();
  };
  const told = [
    found.strange.length > 0 && t.strange(braced(found.strange)),
    found.isOpen && t.isOpen,
    missing.length > 0 && t.missing(braced(missing)),
  ].filter(Boolean);
  return (
    <div ref={place} className={texts.text}>
      <Field path={language} label={t[language]}>
        {control => (
          <Input.TextArea
            {...control}
            status={told.length > 0 ? "warning" : control.status}
            rows={6}
            maxLength={1000}
            value={value}
            onChange={event => set(event.target.value)}
          />
        )}
      </Field>
      {told.length > 0 && (
        <p className={texts.told} role="status">
          {told.join(" · ")}
        </p>
      )}
      <p className={styles.head}>
        <span className="kam-secondary">{t.insert}</span>
        {allowedIn(kind).map(name => (
          <Button key={name} size="small" title={`{${name}}`} onClick={() => put(name)}>
            {t.variables[name as keyof typeof t.variables] ?? name}
          </Button>
        ))}
      </p>
    </div>
  );
}
