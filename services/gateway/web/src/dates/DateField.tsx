import { CalendarOutlined, CloseOutlined } from "@ant-design/icons";
import { type KeyboardEvent, lazy, Suspense, useId, useRef, useState } from "react";
import { Boundary } from "@/components/Boundary";
import { dayOf } from "@/format";
import { businessNow } from "@/habits/clock";
import { isForeign } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";
import styles from "./datefield.module.css";
import { datesText } from "./messages";
import { Popup } from "./Popup";
import { bounded, dayTyped, isComplete } from "./typed";

/** Comes with the first calendar that somebody opens: pages show the field alone. */
const Calendar = lazy(() => import("./Calendar"));

interface Props {
  /** What the day is for, in words. */
  label: string;
  /** `yyyy-mm-dd`, or empty. */
  value: string;
  /** null: what is written is no day that may be chosen; it stays there, with the reason under it. */
  onChange: (day: string | null) => void;
  /** First and last day that may be chosen. */
  min?: string;
  max?: string;
  /** Whether it may be emptied. */
  allowClear?: boolean;
  /** Of which clock today is: of the business day, or of the system, by which people's and jobs' deeds are told. */
  clock?: "business" | "system";
}

/** A day of the business zone: written as people write dates, or chosen in a calendar with holidays. */
export function DateField({ label, value, onChange, min, max, allowClear, clock = "business" }: Props) {
  const now = clock === "system" ? Date.now : businessNow;
  const t = useText(datesText);
  const shared = useText(common);
  const faultId = useId();
  const field = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLElement>(undefined);
  /** What is being written over which value; another value from outside takes its place. */
  const [draft, setDraft] = useState<{ text: string; over: string }>();
  const [fault, setFault] = useState<string>();
  const [isOpen, setOpen] = useState(false);
  const isWriting = draft !== undefined && (value === draft.over || value === "");
  const text = isWriting ? draft.text : value;
  const isFaulty = fault !== undefined && isWriting;

  const settle = (written: string): void => {
    const day = dayTyped(written, now());
    const allowed = day && bounded(day, min, max);
    if (!written.trim() || (day && day === allowed)) {
      setDraft(undefined);
      setFault(undefined);
      if ((day ?? "") !== value || fault) {
        onChange(day ?? "");
      }
      return;
    }
    setDraft({ text: written, over: value });
    setFault(!day || !allowed ? t.noDate : day < allowed ? t.tooEarly(allowed) : t.tooLate(allowed));
    onChange(null);
  };
  const write = (written: string, isComposing: boolean): void => {
    setDraft({ text: written, over: value });
    if (!isComposing && isComplete(written)) {
      settle(written);
    }
  };
  const open = (): void => {
    opener.current = document.activeElement as HTMLElement;
    setOpen(true);
  };
  const close = (): void => {
    setOpen(false);
    opener.current?.focus({ preventScroll: true });
  };
  const choose = (day: string): void => {
    settle(day);
    close();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!isOpen) {
      return;
    }
    // Keys are the calendar's: Escape closes it alone, not what the field stands in, and no shortcut of the page runs.
    event.stopPropagation();
    if (event.key === "Escape" && !isForeign(event.nativeEvent)) {
      event.preventDefault();
      close();
    }
  };
  const onInputKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    // With Alt, as in other fields that open: `isForeign` would leave it to the browser.
    if (event.key === "ArrowDown" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      open();
    } else if (event.key === "Enter" && !isForeign(event.nativeEvent) && isWriting) {
      event.preventDefault();
      settle(event.currentTarget.value);
    }
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the calendar, whatever part of it has the focus
    <div
      ref={field}
      className={styles.field}
      onKeyDown={onKeyDown}
      onBlur={event => {
        if (isOpen && event.relatedTarget && !event.currentTarget.contains(event.relatedTarget)) {
          setOpen(false);
        }
      }}
    >
      <div className={styles.box} data-faulty={isFaulty}>
        <input
          className={styles.input}
          value={text}
          maxLength={20}
          size={10}
          placeholder={t.example}
          autoComplete="off"
          spellCheck={false}
          aria-label={label}
          aria-invalid={isFaulty}
          aria-describedby={isFaulty ? faultId : undefined}
          onChange={event => write(event.target.value, (event.nativeEvent as InputEvent).isComposing)}
          onCompositionEnd={event => write(event.currentTarget.value, false)}
          onBlur={event => isWriting && settle(event.target.value)}
          onKeyDown={onInputKeyDown}
        />
        {allowClear && text && (
          <button type="button" className={styles.button} aria-label={t.clear(label)} onClick={() => settle("")}>
            <CloseOutlined aria-hidden />
          </button>
        )}
        <button
          type="button"
          className={styles.button}
          aria-label={t.open(label)}
          aria-haspopup="dialog"
          aria-expanded={isOpen}
          onClick={() => (isOpen ? close() : open())}
        >
          <CalendarOutlined aria-hidden />
        </button>
      </div>
      {isFaulty && (
        <p id={faultId} className={styles.fault} role="alert">
          {fault}
        </p>
      )}
      {isOpen && (
        <Popup label={t.calendar(label)} anchor={field} onLeave={() => setOpen(false)}>
          <Boundary what={t.calendar(label)}>
            <Suspense fallback={<p className="kam-secondary">{shared.empty.loading}</p>}>
              <Calendar
                value={isWriting ? (dayTyped(text, now()) ?? "") : value}
                today={dayOf(now())}
                onChoose={choose}
                min={min}
                max={max}
              />
            </Suspense>
          </Boundary>
        </Popup>
      )}
    </div>
  );
}
