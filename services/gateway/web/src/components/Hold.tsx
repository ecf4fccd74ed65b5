import { useEffect, useRef } from "react";
import { useShortcuts } from "@/habits/shortcuts";

/** The one tab stop of a list: its keys work again when it has the focus. */
const LIST = "main :is(ul, section, [role=grid])[tabindex='0']";

/** In what opens over the page: the focus goes in, Esc closes it, and then the focus returns to where it was, or to the list. */
export function Hold({ onEscape }: { onEscape: () => void }) {
  const place = useRef<HTMLSpanElement>(null);
  useShortcuts([{ keys: "Escape", inInputs: true, run: onEscape }]);
  useEffect(() => {
    const opener = document.activeElement;
    place.current?.parentElement
      ?.querySelector<HTMLElement>("[aria-pressed=true], textarea")
      ?.focus({ preventScroll: true });
    return () => {
      const isThere = opener instanceof HTMLElement && opener.isConnected && !opener.matches("body, h1");
      (isThere ? opener : document.querySelector<HTMLElement>(LIST))?.focus({ preventScroll: true });
    };
  }, []);
  return <span ref={place} hidden />;
}
