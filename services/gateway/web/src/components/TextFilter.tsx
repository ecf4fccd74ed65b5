import { SearchOutlined } from "@ant-design/icons";
import { Input, type InputRef } from "antd";
import { useEffect, useRef, useState } from "react";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useText } from "@/i18n";

/** Pause in ms after the last key before it filters. */
const PAUSE_MS = 150;

interface Props {
  text: string;
  onText: (text: string) => void;
  placeholder?: string;
}

/** A text that filters while one types, not while an input method still composes; `/` leads into it. */
export function TextFilter({ text, onText, placeholder }: Props) {
  const t = useText(common);
  const input = useRef<InputRef>(null);
  const [typed, setTyped] = useState(text);
  const isComposing = useRef(false);
  const latest = useRef(onText);
  useEffect(() => {
    latest.current = onText;
  });
  // Back or "clear" changed it from outside.
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text || isComposing.current) {
      return;
    }
    const timer = setTimeout(() => latest.current(typed.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, text]);
  useShortcuts([
    {
      keys: "/",
      label: t.shortcuts.filter,
      group: t.shortcuts.list,
      run: () => input.current?.focus({ cursor: "all" }),
    },
  ]);
  return (
    <Input
      ref={input}
      allowClear
      value={typed}
      prefix={<SearchOutlined aria-hidden />}
      placeholder={placeholder ?? t.filter.text}
      aria-label={placeholder ?? t.filter.text}
      maxLength={200}
      onChange={event => setTyped(event.target.value)}
      onCompositionStart={() => {
        isComposing.current = true;
      }}
      onCompositionEnd={event => {
        isComposing.current = false;
        // The last change came while it was composed: tell of it now.
        latest.current(event.currentTarget.value.trim());
      }}
      onKeyDown={event => {
        if (event.key === "Escape" && !event.nativeEvent.isComposing) {
          input.current?.blur();
        }
      }}
    />
  );
}
