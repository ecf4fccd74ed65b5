import { useSyncExternalStore } from "react";
import type { Language } from "@/i18n/language";
import type { Mode } from "@/theme/tokens";

/** What a person has chosen for this browser. */
export interface Preferences {
  language: Language;
  theme: Mode | "auto";
  density: "normal" | "compact";
  navigation: "wide" | "narrow";
  shortcuts: boolean;
  /** Width of the panel beside lists in px. */
  panel: number;
}

const KEY = "kam.preferences";
const FIRST: Preferences = {
  language: "zh",
  theme: "auto",
  density: "normal",
  navigation: "wide",
  shortcuts: true,
  panel: 440,
};

const listeners = new Set<() => void>();
let current: Preferences | undefined;

export function preferences(): Preferences {
  current ??= { ...FIRST, ...kept() };
  return current;
}

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...preferences(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing still has them until the tab closes.
  }
  announce();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(subscribe, preferences);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function announce(): void {
  for (const listener of listeners) {
    listener();
  }
}

/** What was kept and is still of its type: what another version or a person wrote there is left out. */
function kept(): Partial<Preferences> {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Record<string, unknown>;
    const choices: Record<string, readonly unknown[]> = {
      language: ["zh", "en"],
      theme: ["light", "dark", "auto"],
      density: ["normal", "compact"],
      navigation: ["wide", "narrow"],
      shortcuts: [true, false],
    };
    return Object.fromEntries(
      Object.entries(found ?? {}).filter(([name, value]) =>
        name === "panel" ? Number.isFinite(value) : choices[name]?.includes(value),
      ),
    );
  } catch {
    return {};
  }
}

// Another tab of the same person changed them.
globalThis.addEventListener?.("storage", event => {
  if ((event as StorageEvent).key === KEY) {
    current = undefined;
    announce();
  }
});
