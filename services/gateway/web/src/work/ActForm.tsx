import { useRef, useState } from "react";
import { useRefresh } from "@/alerts/commands";
import { asProblem, type Problem } from "@/api/client";
import { requestKeys } from "@/api/requestKey";
import { DateField } from "@/dates/DateField";
import { dayOf } from "@/format";
import { businessNow } from "@/habits/clock";
import { useDraft } from "@/habits/drafts";
import { useShortcuts } from "@/habits/shortcuts";
import { useUndo } from "@/habits/undo";
import { useText } from "@/i18n";
import styles from "./act.module.css";
import { ContactLine } from "./ContactLine";
import { ACTS, type Result, resultsOf } from "./choices";
import { act, type Done, type WorkChanged } from "./commands";
import { workText } from "./messages";
import { Trouble } from "./Trouble";
import { useNumberKeys } from "./useNumberKeys";

/** What the form needs to know of a work item; list rows and cards have it. */
export interface Actable {
  work_id: string;
  customer_id: string;
  /** Kind of work: `dunning`, … */
  kind: string;
  customer_name?: string | null;
  /** As it was on screen: what another person did since is a clash. */
  revision?: number | null;
}

interface Props {
  item: Actable;
  onDone: (changed: WorkChanged) => void;
  /** The person gave up, or the other's version holds. */
  onCancel?: () => void;
}

const DAY = 86_400_000;

/**
 * ① what was done, a call until something else is chosen; ② what came of it, which saves. Note and next date are optional
 * and stand between.
 */
export function ActForm({ item, onDone, onCancel }: Props) {
  const t = useText(workText);
  const { tell } = useUndo();
  const refresh = useRefresh();
  const [result, setResult] = useState<Result>();
  const [note, setNote, clearNote] = useDraft(`work/${item.work_id}/note`);
  // null: what stands there is no day, and nothing is logged without it.
  const [next, setNext] = useState<string | null>("");
  const [isPicking, setPicking] = useState(false);
  const [promised, setPromised] = useState<string | null>("");
  const [isSending, setSending] = useState(false);
  const [trouble, setTrouble] = useState<Problem>();
  // The same asked again is the same request: where its answer was lost, it is not logged twice.
  const [keys] = useState(requestKeys);
  const results = resultsOf(item.kind);
  const day = (days: number): string => dayOf(businessNow() + days * DAY);

  const send = async (what: Result, revision = item.revision): Promise<void> => {
    if (isSending || next === null || promised === null) {
      return;
    }
    setSending(true);
    setTrouble(undefined);
    const done: Done = { kind, result: what };
    if (note.trim()) {
      done.note = note.trim();
    }
    if (what === "promised" && promised) {
      done.promised_on = promised;
    }
    if (next) {
      done.follow_up_on = next;
    }
    const key = keys.of(done);
    try {
      const changed = await act(item.work_id, done, key, revision);
      keys.done(key);
      clearNote();
      begin();
      setResult(undefined);
      setNext("");
      setPromised("");
      tell({ text: t.logged(`${t.act[kind]} · ${t.results[what]}`) });
      refresh();
      onDone(changed);
    } catch (error) {
      setTrouble(asProblem(error));
    } finally {
      setSending(false);
    }
  };
  const chooseResult = (what: Result): void => {
    setResult(what);
    if (what !== "promised") {
      void send(what);
    }
  };
  const { kind, isKindChosen, chooseKind, begin } = useNumberKeys(results, what => chooseResult(what));
  const second = useRef<HTMLDivElement>(null);
  useShortcuts([
    {
      keys: "Mod+Enter",
      inInputs: true,
      run: () => {
        if (result) {
          void send(result);
        } else {
          // From the note to ②, where a number saves.
          chooseKind(kind);
          second.current?.querySelector("button")?.focus();
        }
      },
    },
  ]);

  return (
    <div className={`${styles.form} kam-screen`} aria-busy={isSending}>
      <ContactLine customerId={item.customer_id} />
      <fieldset className={styles.step}>
        <legend>① {t.did}</legend>
        <div className={styles.chips}>
          {ACTS.map((name, at) => (
            <button
              key={name}
              type="button"
              className={styles.chip}
              aria-pressed={kind === name}
              onClick={() => chooseKind(name)}
            >
              {t.act[name]}
              {!isKindChosen && <kbd>{at + 1}</kbd>}
            </button>
          ))}
        </div>
      </fieldset>
      <textarea
        className={styles.note}
        rows={1}
        maxLength={4000}
        value={note}
        placeholder={t.note}
        aria-label={t.noteLabel}
        onChange={event => setNote(event.target.value)}
      />
      <div className={styles.inline}>
        <span className="kam-secondary">{t.followUp}</span>
        {[
          { label: t.none, value: "" },
          { label: t.tomorrow, value: day(1) },
          { label: t.inThreeDays, value: day(3) },
        ].map(({ label, value }) => (
          <button
            key={label}
            type="button"
            className={styles.chip}
            aria-pressed={!isPicking && next === value}
            onClick={() => {
              setPicking(false);
              setNext(value);
            }}
          >
            {label}
          </button>
        ))}
        {isPicking ? (
          <DateField label={t.pickDate} min={day(0)} value={next ?? ""} onChange={setNext} allowClear />
        ) : (
          <button type="button" className={styles.chip} onClick={() => setPicking(true)}>
            {t.pickDate}
          </button>
        )}
      </div>
      <fieldset className={styles.step}>
        <legend>
          ② {t.result}
          <span className={styles.hint}>{t.resultHint}</span>
        </legend>
        <div ref={second} className={styles.chips}>
          {results.map((name, at) => (
            <button
              key={name}
              type="button"
              className={styles.chip}
              disabled={isSending || next === null}
              aria-pressed={result === name}
              onClick={() => chooseResult(name)}
            >
              {t.results[name]}
              {isKindChosen && <kbd>{at + 1}</kbd>}
            </button>
          ))}
        </div>
        {result === "promised" && (
          <div className={styles.inline}>
            <span aria-hidden>{t.promisedOn}</span>
            <DateField label={t.promisedOn} min={day(0)} value={promised ?? ""} onChange={setPromised} allowClear />
            <button
              type="button"
              className={styles.chip}
              disabled={isSending || next === null || promised === null}
              onClick={() => void send("promised")}
            >
              {t.record}
            </button>
          </div>
        )}
      </fieldset>
      {trouble && (
        <Trouble
          problem={trouble}
          workId={item.work_id}
          onAgain={revision => result && void send(result, revision ?? item.revision)}
          onTheirs={() => {
            setTrouble(undefined);
            clearNote();
            refresh();
            onCancel?.();
          }}
        />
      )}
    </div>
  );
}
