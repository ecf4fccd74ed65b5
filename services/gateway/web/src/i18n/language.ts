export type Language = "zh" | "en";

/** A text, or a function of what stands in it; nested by topic. */
export interface Table {
  readonly [key: string]: string | ((...values: never[]) => string) | Table;
}

/** A table in both languages. The compiler holds the English one to the keys and values of the Chinese. */
export interface Messages<T> {
  readonly zh: T;
  readonly en: T;
}

/** `messages(zh, en)` of a page stands in its `messages.ts`, so that it is loaded with the page. */
export function messages<T extends Table>(zh: T, en: NoInfer<T>): Messages<T> {
  return { zh, en };
}

/** English with the plural form where the number wants it: `count(2, "alert")` is "2 alerts". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}
