import { Fragment } from "react";
import { common, type Language, useLanguage, useText, word } from "@/i18n";
import type { KindOf } from "./api";
import styles from "./documents.module.css";
import { useWords } from "./edit";
import { documentsText } from "./messages";
import type { Version } from "./model";

/** What a version holds, field by field, as it is. */
export function Reading({ version, fields }: { version: Version; fields: KindOf["fields"] }) {
  const t = useText(documentsText);
  const language = useLanguage();
  const words = useWords(fields);
  return (
    <section aria-label={t.content}>
      <h3>{t.content}</h3>
      <dl className={styles.reading}>
        {Object.entries(version.document)
          .filter(([name]) => name !== "id")
          .map(([name, value]) => (
            <Fragment key={name}>
              <dt className={styles.term}>{words.get(name) ?? name}</dt>
              <dd className={styles.value}>{said(value, language, words)}</dd>
            </Fragment>
          ))}
      </dl>
    </section>
  );
}

/** A value in words where its fields have some, never as code. */
export function said(value: unknown, language: Language, words: ReadonlyMap<string, string>): string {
  const t = documentsText[language];
  if (value === null || value === undefined || value === "") {
    return t.nothing;
  }
  if (typeof value === "boolean") {
    return value ? t.yes : t.no;
  }
  if (Array.isArray(value)) {
    const listed = value.map(each => said(each, language, words));
    return listed.length === 0 ? t.nothing : listed.join(language === "zh" ? "、" : ", ");
  }
  // Codes that have words everywhere: kinds of alerts, their stages, severities, languages.
  const shared = common[language];
  const codes = { ...shared.stage, ...shared.kindLong, ...shared.severity, ...t.parts };
  if (typeof value === "object") {
    const parts = Object.entries(value);
    if (parts.length === 0) {
      return t.nothing;
    }
    return parts
      .map(([name, each]) => `${words.get(name) ?? word(codes, name)} ${said(each, language, words)}`)
      .join(language === "zh" ? "，" : "; ");
  }
  return typeof value === "string" && !/^\d+$/.test(value) ? word(codes, value) : String(value);
}
