import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useSyncExternalStore,
} from "react";
import { preferences } from "./preferences";

/**
 * Keys of ui.md section 3. A shortcut is one key (`j`, `?`, `Enter`, `Escape`), one with `Mod+` (Ctrl, on a Mac ⌘), or
 * two in a row (`g a`). The handler of what was mounted last wins; it may return false to let others have the key.
 */
export interface Shortcut {
  keys: string;
  /** What it does, for the help; without it the shortcut is not listed. */
  label?: string;
  group?: string;
  /** Also in inputs: for `Mod+Enter` and `Escape`. */
  inInputs?: boolean;
  run: (event: KeyboardEvent) => unknown;
}

/** Time in ms within which the second key of a pair must come. */
const PAIR_MS = 1500;
/** What a browser reports while an input method composes a word: never a command. */
const COMPOSING = 229;

interface Layer {
  shortcuts: Shortcut[];
  /** How many boxes it is in that stand over the page. */
  level: number;
}

const Level = createContext(0);

/** What is in it stands over the page: keys do nothing to what is below, also where that comes later. */
export function OverPage({ isOpen = true, children }: { isOpen?: boolean; children: ReactNode }): ReactElement {
  return createElement(Level, { value: useContext(Level) + Number(isOpen) }, children);
}

const stack: Layer[] = [];
const listeners = new Set<() => void>();
let shown: readonly Shortcut[] = [];
let pending: { key: string; until: number } | undefined;

/** Shortcuts that hold while the component is mounted. The list may change with every render. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const level = useContext(Level);
  const held = useRef<Shortcut[]>([]);
  useEffect(() => {
    held.current.splice(0, held.current.length, ...shortcuts);
    announce();
  });
  useEffect(() => {
    const own = { shortcuts: held.current, level };
    stack.push(own);
    announce();
    return () => {
      stack.splice(stack.indexOf(own), 1);
      announce();
    };
  }, [level]);
}

/** All that can be pressed now, for the help. */
export function useActiveShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    listener => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
}

function announce(): void {
  const seen = new Set<string>();
  const next = stack
    .flatMap(layer => layer.shortcuts)
    .reverse()
    .filter(shortcut => shortcut.label && !seen.has(shortcut.keys) && seen.add(shortcut.keys))
    .reverse();
  const isSame =
    next.length === shown.length &&
    next.every((s, at) => s.keys === shown[at]?.keys && s.label === shown[at]?.label && s.group === shown[at]?.group);
  if (!isSame) {
    shown = next;
    for (const listener of listeners) {
      listener();
    }
  }
}

function nameOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key;
  return event.ctrlKey || event.metaKey ? `Mod+${key.length === 1 ? key.toLowerCase() : key}` : key;
}

function isTyping(target: EventTarget | null): boolean {
  const element = target instanceof HTMLElement ? target : null;
  return !!element?.closest("input, textarea, select, [contenteditable=''], [contenteditable='true']");
}

/** Whether a key belongs to an input method or to a modifier: nothing of ours. Exported for tests. */
export function isForeign(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === COMPOSING || event.altKey || event.defaultPrevented || event.repeat;
}

function handle(event: KeyboardEvent): void {
  // j and k may be held down; anything else that repeats is a key somebody leans on.
  if (isForeign(event) && !(event.repeat && !event.isComposing && ["j", "k"].includes(event.key))) {
    return;
  }
  const name = nameOf(event);
  const typing = isTyping(event.target);
  const off = !preferences().shortcuts;
  const pair = pending && pending.until > Date.now() && !typing ? `${pending.key} ${name}` : undefined;
  pending = undefined;
  const highest = Math.max(0, ...stack.map(layer => layer.level));
  const layers = stack.filter(layer => layer.level === highest);
  for (const layer of layers.toReversed()) {
    for (const shortcut of layer.shortcuts) {
      const plain = !shortcut.keys.startsWith("Mod+") && shortcut.keys !== "Escape";
      if ((typing && !shortcut.inInputs) || (off && plain)) {
        continue;
      }
      if (shortcut.keys === pair || (!pair && shortcut.keys === name)) {
        if (shortcut.run(event) !== false) {
          event.preventDefault();
          return;
        }
      }
    }
  }
  if (
    !typing &&
    !off &&
    !pair &&
    layers.some(layer => layer.shortcuts.some(shortcut => shortcut.keys.startsWith(`${name} `)))
  ) {
    pending = { key: name, until: Date.now() + PAIR_MS };
  }
}

globalThis.addEventListener?.("keydown", event => handle(event as KeyboardEvent));
