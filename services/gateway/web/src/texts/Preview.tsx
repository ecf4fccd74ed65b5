import { useSuspenseQuery } from "@tanstack/react-query";
import { useDeferredValue, useEffect, useState } from "react";
import { answer, api, type Schema } from "@/api/client";
import { type Fault, faultsOf } from "@/documents/api";
import styles from "@/documents/documents.module.css";
import type { Content } from "@/documents/model";
import { money } from "@/format";
import { useLanguage, useText } from "@/i18n";
import { textsText } from "./messages";
import texts from "./texts.module.css";

const PAUSE_MS = 400;

/** What customers would get, in both languages, in how many parts and for what; asked when one pauses. */
export function Preview({ document, values }: { document: Content; values: Readonly<Record<string, string>> }) {
  const t = useText(textsText);
  const language = useLanguage();
  const asked = useLate(JSON.stringify({ document, values }), PAUSE_MS);
  // What was shown stays until the new one is there.
  const { data } = useSuspenseQuery({
    queryKey: ["template-preview", useDeferredValue(asked)],
    queryFn: ({ queryKey: [, body], signal }) => previewed(body as string, signal),
    retry: false,
  });
  return (
    <section aria-label={t.preview} className={texts.preview}>
      <h2>{t.preview}</h2>
      {"faults" in data ? (
        <>
          <p className="kam-secondary">{t.notYet}</p>
          <ul className={styles.faults}>
            {data.faults.map(fault => (
              <li key={`${fault.field} ${fault.en}`}>
                {fault.field === "zh" || fault.field === "en" ? t[fault.field] : fault.field} {fault[language]}
              </li>
            ))}
          </ul>
        </>
      ) : (
        <div className={texts.pair}>
          <Shown language="zh" text={data.zh} />
          <Shown language="en" text={data.en} />
        </div>
      )}
    </section>
  );
}

/** What customers would get, or what is wrong with the text. Throws Problem where neither can be said. */
async function previewed(body: string, signal: AbortSignal): Promise<Schema<"TemplatePreview"> | { faults: Fault[] }> {
  try {
    return await answer(api.POST("/v1/templates/preview", { body: JSON.parse(body), signal }));
  } catch (error) {
    const faults = faultsOf(error);
    if (faults.length > 0) {
      return { faults };
    }
    throw error;
  }
}

function Shown({ language, text }: { language: "zh" | "en"; text: Schema<"TextView"> }) {
  const t = useText(textsText);
  const reader = useLanguage();
  return (
    <figure className={texts.sms}>
      <blockquote lang={language}>{text.text}</blockquote>
      <figcaption className="kam-small kam-secondary">
        {[t.chars([...text.text].length), t.segments(text.segments), t.cost(money(text.cost_fen))].join(" · ")}
        {text.channels
          .filter(each => !each.takes)
          .map(each => (
            <div key={each.channel}>{each[reader]}</div>
          ))}
      </figcaption>
    </figure>
  );
}

/** A value once it has stood still for so many ms. */
function useLate(value: string, ms: number): string {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}
