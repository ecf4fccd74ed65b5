import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Input, Segmented } from "antd";
import { useState } from "react";
import { answer, api, asProblem } from "@/api/client";
import { requestKeys } from "@/api/requestKey";
import styles from "@/documents/documents.module.css";
import { Labelled } from "@/documents/Labelled";
import type { Version } from "@/documents/model";
import { shortTime } from "@/format";
import { useNow } from "@/habits/clock";
import { common, useLanguage, useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { textsText } from "./messages";
import texts from "./texts.module.css";

/** The text in force, sent to oneself: by the road of all SMS, marked as a test. */
export default function TestSms({ version }: { version: Version }) {
  const t = useText(textsText);
  const shared = useText(common);
  const language = useLanguage();
  const mayChange = useMayEverywhere("rules", "change");
  const now = useNow(60_000);
  const [to, setTo] = useState("");
  const [inLanguage, setInLanguage] = useState<"zh" | "en">(language);
  const [keys] = useState(requestKeys);
  const send = useMutation({
    mutationFn: async () => {
      const body = { template: version.id, to: to.trim(), language: inLanguage, values: {} };
      const key = keys.of(body);
      const sent = await answer(api.POST("/v1/sms/test", { body, params: { header: { "Idempotency-Key": key } } }));
      keys.done(key);
      return sent;
    },
  });
  if (!mayChange || version.state !== "active") {
    return null;
  }
  const sent = send.data;
  const problem = send.error && asProblem(send.error);
  return (
    <section aria-label={t.test} className={styles.change}>
      <h3>{t.test}</h3>
      <p className="kam-secondary">{t.testHint}</p>
      <div className={styles.steps}>
        <Labelled label={t.testTo}>
          {id => <Input id={id} type="tel" maxLength={40} value={to} onChange={event => setTo(event.target.value)} />}
        </Labelled>
        <Segmented
          aria-label={t.testLanguage}
          value={inLanguage}
          options={[
            { value: "zh" as const, label: t.zh },
            { value: "en" as const, label: t.en },
          ]}
          onChange={setInLanguage}
        />
        <Button disabled={!to.trim() || send.isPending} onClick={() => send.mutate()}>
          {t.testSend}
        </Button>
      </div>
      {sent && (
        <output className={texts.sms}>
          <q>{sent.text}</q>
          <span className="kam-small kam-secondary">
            {[
              sent.state === "held"
                ? t.testHeld(sent.hold_until ? shortTime(sent.hold_until, now, language) : "")
                : t.testSent,
              t.testGoes(sent.phone ?? ""),
              t.segments(sent.segments),
            ].join(" · ")}
          </span>
        </output>
      )}
      {problem && (
        <Alert type="error" showIcon role="alert" title={problem.said(language) || shared.problem.noAnswer} />
      )}
    </section>
  );
}
