import { Button } from "antd";
import { useRef, useState } from "react";
import { answer, api, asProblem, type Problem } from "@/api/client";
import { requestKey } from "@/api/requestKey";
import { BlockError } from "@/components/BlockError";
import { dayOf } from "@/format";
import { businessNow } from "@/habits/clock";
import { useDraft } from "@/habits/drafts";
import { useUndo } from "@/habits/undo";
import { useText } from "@/i18n";
import { ContactLine } from "@/work/ContactLine";
import { ACTS, type Result, resultsOf } from "@/work/choices";
import { workText } from "@/work/messages";
import { useNumberKeys } from "@/work/useNumberKeys";
import styles from "./customer.module.css";
import { customerText } from "./messages";

const DAY = 86_400_000;

/** ① what was done, a call until something else is chosen; ② what came of it, which saves: a contact of no work item. */
export function LogContact({ customerId, onDone }: { customerId: string; onDone: () => void }) {
  const t = useText(customerText);
  const words = useText(workText);
  const { tell } = useUndo();
  const [next, setNext] = useState("");
  const [note, setNote, clearNote] = useDraft(`customer/${customerId}/contact`);
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  // A repeat of the same is the same; anything else that is asked gets a key of its own.
  const key = useRef({ of: "", value: "" });

  const send = async (result: Result): Promise<void> => {
    if (isSending) {
      return;
    }
    setSending(true);
    setProblem(undefined);
    const body = { kind, result, note: note.trim() || undefined, follow_up_on: next || undefined };
    const of = JSON.stringify(body);
    if (key.current.of !== of) {
      key.current = { of, value: requestKey() };
    }
    try {
      await answer(
        api.POST("/v1/customers/{id}/contacts", {
          params: { path: { id: customerId }, header: { "Idempotency-Key": key.current.value } },
          body,
        }),
      );
      clearNote();
      tell({ text: t.logged(`${words.act[kind]} · ${words.results[result]}`) });
      onDone();
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setSending(false);
    }
  };

  const results = resultsOf("");
  const { kind, chooseKind } = useNumberKeys(results, what => void send(what));

  return (
    <div className={styles.form} aria-busy={isSending}>
      <ContactLine customerId={customerId} />
      <fieldset>
        <legend>① {t.did}</legend>
        <div className={styles.chips}>
          {ACTS.map(each => (
            <Button
              key={each}
              type={kind === each ? "primary" : "default"}
              aria-pressed={kind === each}
              onClick={() => chooseKind(each)}
            >
              {words.act[each]}
            </Button>
          ))}
        </div>
      </fieldset>
      <textarea
        className={styles.text}
        rows={2}
        maxLength={4000}
        value={note}
        placeholder={t.note}
        aria-label={t.noteLabel}
        onChange={event => setNote(event.target.value)}
      />
      <div className={styles.chips}>
        <span className="kam-secondary">{words.followUp}</span>
        {[
          { label: words.none, value: "" },
          { label: words.tomorrow, value: dayOf(businessNow() + DAY) },
          { label: words.inThreeDays, value: dayOf(businessNow() + 3 * DAY) },
        ].map(({ label, value }) => (
          <Button
            key={label}
            size="small"
            type={next === value ? "primary" : "default"}
            aria-pressed={next === value}
            onClick={() => setNext(value)}
          >
            {label}
          </Button>
        ))}
      </div>
      <fieldset>
        <legend>
          ② {t.result} <span className="kam-secondary">{t.resultHint}</span>
        </legend>
        <div className={styles.chips}>
          {results.map(each => (
            <Button key={each} disabled={isSending} onClick={() => void send(each)}>
              {words.results[each]}
            </Button>
          ))}
        </div>
      </fieldset>
      {problem && <BlockError what={t.log} error={problem} />}
    </div>
  );
}
