import { Boundary } from "@/components/Boundary";
import styles from "@/documents/documents.module.css";
import type { Version } from "@/documents/model";
import { common, useText, word } from "@/i18n";
import { textsText } from "./messages";
import { Preview } from "./Preview";
import texts from "./texts.module.css";

/** Those that a text has, as the policy calls what is not known. */
const NONE = {};

/** When a text is sent, what it says in both languages, and how it comes to a customer. */
export default function TemplateReading({ version }: { version: Version }) {
  const t = useText(textsText);
  const shared = useText(common);
  return (
    <>
      <p className={styles.head}>
        {t.at} <b>{word(shared.kindLong, String(version.kind))}</b> ·{" "}
        <b>{word({ ...shared.outcome, ...shared.stage }, String(version.step))}</b> · {t.priority}{" "}
        {String(version.priority)}
      </p>
      <div className={texts.pair}>
        {(["zh", "en"] as const).map(language => (
          <figure key={language} className={texts.sms}>
            <figcaption className="kam-small kam-secondary">{t[language]}</figcaption>
            <blockquote lang={language}>{String(version[language])}</blockquote>
          </figure>
        ))}
      </div>
      <Boundary what={t.preview} resetKey={String(version.version)}>
        <Preview document={version.document} values={NONE} />
      </Boundary>
    </>
  );
}
