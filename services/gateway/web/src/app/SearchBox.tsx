import { SearchOutlined } from "@ant-design/icons";
import { Input, type InputRef } from "antd";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText, word } from "@/i18n";
import { useMe } from "@/session/session";
import { entriesOf } from "./pages";
import { type Found, type FoundItem, find, looksLikeRecord, placeOf } from "./search";
import styles from "./searchbox.module.css";

const NOTHING: Found = { customers: [], items: [] };
/** Pause in ms after the last key before the server is asked. */
const PAUSE_MS = 150;

interface Choice {
  key: string;
  to: string;
  text: string;
  aside?: string;
}

/** `Ctrl K`: a customer by number, name, pinyin or phone tail; a page by its name; anything by its id. */
export function SearchBox() {
  const t = useText(common);
  const { role } = useMe();
  const navigate = useNavigate();
  const id = useId();
  const input = useRef<InputRef>(null);
  const [text, setText] = useState("");
  const [isComposing, setComposing] = useState(false);
  const [found, setFound] = useState<Found>(NOTHING);
  const [at, setAt] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const asked = text.trim();

  useEffect(() => {
    setFound(NOTHING);
    setAt(0);
    if (!asked || isComposing) {
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      // Where the search does not answer, pages and ids are found all the same.
      find(asked, abort.signal)
        .then(setFound)
        .catch(() => undefined);
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [asked, isComposing]);

  const pages: Choice[] = asked
    ? entriesOf(role)
        .map(entry => ({ key: entry.path, to: entry.path, text: t.nav[entry.name] }))
        .filter(choice => choice.text.toLowerCase().includes(asked.toLowerCase()))
    : [];
  const records: Choice[] = looksLikeRecord(asked)
    ? [{ key: "why", to: `/why/${encodeURIComponent(asked)}`, text: asked, aside: t.nav.why }]
    : [];
  const customers: Choice[] = found.customers.map(each => ({
    key: `customer-${each.customer_id}`,
    to: `/customers/${encodeURIComponent(each.customer_id)}`,
    text: each.customer_name ?? each.customer_id,
    aside: [each.customer_id, each.phone, each.manager_name].filter(Boolean).join(" · "),
  }));
  const kindOf = ({ list, kind, state }: FoundItem): string =>
    kind === null
      ? word(t.smsState, state)
      : list === "work"
        ? `${word(t.workKind, kind)} · ${word(t.workState, state)}`
        : `${word(t.kind, kind)} · ${word(t.alertState, state)}`;
  const items: Choice[] = found.items.map(item => ({
    key: `${item.list}-${item.id}`,
    to: placeOf(item),
    text: [item.customer_name, item.id.slice(0, 8)].filter(Boolean).join(" · "),
    aside: kindOf(item),
  }));
  const choices = [...items, ...customers, ...pages, ...records];
  const isShown = isOpen && choices.length > 0;

  const go = (choice: Choice | undefined): void => {
    if (choice) {
      setText("");
      setOpen(false);
      input.current?.blur();
      void navigate(choice.to);
    }
  };
  const press = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) {
      return;
    }
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt((at + step + choices.length) % Math.max(1, choices.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(choices[at]);
    } else if (event.key === "Escape") {
      setOpen(false);
      input.current?.blur();
    }
  };
  useShortcuts([
    {
      keys: "Mod+k",
      label: t.shortcuts.search,
      group: t.shortcuts.go,
      inInputs: true,
      run: () => input.current?.focus({ cursor: "all" }),
    },
  ]);

  return (
    <search className={styles.place}>
      <Input
        ref={input}
        role="combobox"
        aria-expanded={isShown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={isShown ? `${id}-${at}` : undefined}
        aria-label={t.top.search}
        aria-description={t.top.searchHint}
        prefix={<SearchOutlined aria-hidden />}
        suffix={<kbd className={styles.hint}>Ctrl K</kbd>}
        placeholder={t.top.search}
        maxLength={100}
        value={text}
        onChange={event => {
          setText(event.target.value);
          setOpen(true);
        }}
        onCompositionStart={() => setComposing(true)}
        onCompositionEnd={() => setComposing(false)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={press}
      />
      <div id={`${id}-list`} role="listbox" aria-label={t.top.search} className={styles.list} hidden={!isShown}>
        {choices.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are handled at the input, which keeps the focus
          <div
            key={choice.key}
            id={`${id}-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            className={index === at ? styles.here : undefined}
            onMouseDown={event => event.preventDefault()}
            onMouseEnter={() => setAt(index)}
            onClick={() => go(choice)}
          >
            <span className={styles.name}>{choice.text}</span>
            <span className="kam-secondary kam-small">{choice.aside}</span>
          </div>
        ))}
      </div>
    </search>
  );
}
