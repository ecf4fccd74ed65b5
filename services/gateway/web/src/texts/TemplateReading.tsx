import { Boundary } from "@/components/Boundary";
import type { Version } from "@/documents/model";
import { useText } from "@/i18n";
import { textsText } from "./messages";
import { Preview } from "./Preview";
import texts from "./texts.module.css";

/** Those that a text has, as the policy calls what is not known. */
const NONE = {};

/** What a text says in both languages, and how it comes to a customer. */
export default function TemplateReading({ version }: { version: Version }) {
  const t = useText(textsText);
  return (
    <>
      <p className="kam-secondary">
        {t.priority} {String(version.priority)}
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
