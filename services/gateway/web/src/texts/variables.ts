/** Variables of a text to customers, written `{name}`. */
export const VARIABLES: Readonly<Record<string, string>> = {
  name: "王小明",
  debt: "123.45",
  product: "5G 128",
  ends_on: "2026-12-31",
};
/** What frames words that a person writes has these words alone. */
export const MANUAL = "manual";

export const allowedIn = (kind: unknown): readonly string[] => (kind === MANUAL ? ["text"] : Object.keys(VARIABLES));

export interface Found {
  /** Written and known. */
  known: string[];
  /** Written, and no variables. */
  strange: string[];
  /** A brace has no other. */
  isOpen: boolean;
}

/** What stands in braces in a text. The server decides; this is told while somebody types. */
export function variablesOf(text: string, kind: unknown): Found {
  const allowed = allowedIn(kind);
  const plain = text.replaceAll("{{", "").replaceAll("}}", "");
  const names = [...plain.matchAll(/\{([^{}]*)\}/g)].map(([, name]) => name as string);
  const rest = plain.replace(/\{[^{}]*\}/g, "");
  return {
    known: [...new Set(names.filter(name => allowed.includes(name)))],
    strange: [...new Set(names.filter(name => !allowed.includes(name)))],
    isOpen: /[{}]/.test(rest),
  };
}

/** Variables that one language has and the other has not. */
export function missingIn(text: string, other: string, kind: unknown): string[] {
  const own = variablesOf(text, kind).known;
  return variablesOf(other, kind).known.filter(name => !own.includes(name));
}
