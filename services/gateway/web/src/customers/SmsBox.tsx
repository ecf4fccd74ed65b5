import { MutedOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button } from "antd";
import { useEffect, useRef, useState } from "react";
import { answer, api, asProblem, type Problem, type Schema } from "@/api/client";
import { requestKey } from "@/api/requestKey";
import { BlockError } from "@/components/BlockError";
import { shortTime } from "@/format";
import { useNow } from "@/habits/clock";
import { useDraft } from "@/habits/drafts";
import { useShortcuts } from "@/habits/shortcuts";
import { useUndo } from "@/habits/undo";
import { useLanguage, useText, word } from "@/i18n";
import { ContactLine } from "@/work/ContactLine";
import styles from "./customer.module.css";
import { customerText } from "./messages";

type Written = Schema<"SmsWritten">;
/** Pause in ms after the last key before the server is asked what becomes of the text. */
const PAUSE_MS = 300;
const LONGEST = 300;

/** An SMS within the policy: the text as the customer gets it, its length, and what keeps it from leaving now. */
export function SmsBox({ customerId, onDone }: { customerId: string; onDone: () => void }) {
  const t = useText(customerText);
  const language = useLanguage();
  const now = useNow(60_000);
  const { tell } = useUndo();
  const [text, setText, clearText] = useDraft(`customer/${customerId}/sms`);
  const asked = useSettled(text.trim());
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const key = useRef({ of: "", value: "" });
  const preview = useQuery({
    queryKey: ["sms-preview", customerId, asked],
    queryFn: ({ signal }) => ask(customerId, asked || "…", true, undefined, signal),
    placeholderData: last => last,
    retry: false,
  });
  const found = preview.data;
  const isStopped = found?.state === "suppressed" || found?.state === "cancelled";
  const canSend = asked !== "" && asked === text.trim() && found !== undefined && !isStopped && !preview.error;

  const send = async (): Promise<void> => {
    if (!canSend || isSending) {
      return;
    }
    if (key.current.of !== asked) {
      key.current = { of: asked, value: requestKey() };
    }
    setSending(true);
    setProblem(undefined);
    try {
      const written = await ask(customerId, asked, false, key.current.value);
      clearText();
      tell({ text: t.smsSent(written.hold_until ? shortTime(written.hold_until, now, language) : null) });
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setSending(false);
    }
  };
  useShortcuts([{ keys: "Mod+Enter", inInputs: true, run: () => void send() }]);

  return (
    <div className={styles.form} aria-busy={isSending}>
      <ContactLine customerId={customerId} />
      <div className={`${styles.facts} ${styles.receiver}`} role="note">
        {isStopped && found.reason && (
          <b className={styles.warning}>
            <MutedOutlined aria-hidden /> {word(t.smsStopped, found.reason)}
          </b>
        )}
        {found?.phone && <span>{t.smsTo(found.phone)}</span>}
      </div>
      <textarea
        className={styles.text}
        rows={4}
        maxLength={LONGEST}
        value={text}
        disabled={isStopped}
        aria-label={t.smsText}
        placeholder={t.smsText}
        onChange={event => setText(event.target.value)}
      />
      {found && asked !== "" && (
        <div>
          <div className="kam-secondary">
            {t.smsFinal} · {t.smsCount(found.characters, found.segments)}
          </div>
          <q className={styles.note}>{found.text}</q>
        </div>
      )}
      {preview.error && <BlockError what={t.sms} error={preview.error} retry={() => void preview.refetch()} />}
      {problem && <BlockError what={t.sms} error={problem} />}
      <div className={styles.chips}>
        <Button type="primary" disabled={!canSend} loading={isSending} onClick={() => void send()}>
          {t.smsSend}
        </Button>
        {found && !isStopped && (
          <output className="kam-secondary">
            {found.state !== "held"
              ? t.smsNow
              : found.hold_until
                ? t.smsHeld(word(t.smsWhy, found.reason ?? ""), shortTime(found.hold_until, now, language))
                : word(t.smsWhy, found.reason ?? "")}
          </output>
        )}
      </div>
    </div>
  );
}

function ask(id: string, text: string, preview: boolean, key?: string, signal?: AbortSignal): Promise<Written> {
  return answer(
    api.POST("/v1/customers/{id}/sms", {
      params: { path: { id }, header: key ? { "Idempotency-Key": key } : {} },
      body: { text, preview },
      signal,
    }),
  );
}

/** A text once nothing was typed for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}
