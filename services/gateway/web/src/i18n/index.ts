import { usePreferences } from "@/habits/preferences";
import { en } from "./en";
import type { Language, Messages } from "./language";
import { zh } from "./zh";

export { count, type Language, type Messages, messages } from "./language";

export const common: Messages<typeof zh> = { zh, en };

export function useLanguage(): Language {
  return usePreferences().language;
}

/** The table in the language of the person: `const t = useText(common); t.action.retry`. */
export function useText<T>(table: Messages<T>): T {
  return table[useLanguage()];
}

/** The word for a wire value, or the value itself where the set is open and this one is new. */
export function word(words: Readonly<Record<string, string>>, value: string): string {
  return Object.hasOwn(words, value) ? (words[value] as string) : value;
}
