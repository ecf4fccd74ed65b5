/** Places in a document, called as the server calls them: `metrics[0].code`, `when.all[1].value`; empty: all of it. */

type Step = string | number;

const STEP = /\[(\d+)\]|([^.[\]]+)/g;

export function stepsOf(path: string): Step[] {
  return [...path.matchAll(STEP)].map(([, at, name]) => (at === undefined ? (name as string) : Number(at)));
}

export function joined(path: string, step: Step): string {
  return typeof step === "number" ? `${path}[${step}]` : path ? `${path}.${step}` : step;
}

/** What stands there; undefined: nothing. */
export function at(document: unknown, path: string): unknown {
  return stepsOf(path).reduce<unknown>(
    (part, step) => (typeof part === "object" && part !== null ? (part as Record<Step, unknown>)[step] : undefined),
    document,
  );
}

/** The same document with another value there; undefined takes it out. Parts on the way there are made where none are. */
export function withAt<T>(document: T, path: string, value: unknown): T {
  return changed(document, stepsOf(path), value) as T;
}

function changed(part: unknown, [step, ...rest]: readonly Step[], value: unknown): unknown {
  if (step === undefined) {
    return value;
  }
  if (typeof step === "number" || Array.isArray(part)) {
    const list = Array.isArray(part) ? [...part] : [];
    const next = changed(list[step as number], rest, value);
    list.splice(step as number, 1, ...(next === undefined ? [] : [next]));
    return list;
  }
  const { [step]: held, ...others } = (typeof part === "object" && part !== null ? part : {}) as Record<
    string,
    unknown
  >;
  const next = changed(held, rest, value);
  if (next === undefined) {
    return others;
  }
  // A field keeps its place among the others: what is read as text stays in the order in which it was written.
  return held === undefined ? { ...others, [step]: next } : { ...(part as object), [step]: next };
}

/** With one more entry in the list there, at its end unless a place is said. */
export function withEntry<T>(document: T, path: string, entry: unknown, place?: number): T {
  const list = at(document, path);
  const entries = Array.isArray(list) ? [...list] : [];
  entries.splice(place ?? entries.length, 0, entry);
  return withAt(document, path, entries);
}

/** An entry of a list one place up or down; the document as it is where that is beyond the list. */
export function withMoved<T>(document: T, list: string, from: number, by: 1 | -1): T {
  const entries = at(document, list);
  const to = from + by;
  if (!Array.isArray(entries) || to < 0 || to >= entries.length) {
    return document;
  }
  const next = [...entries];
  [next[from], next[to]] = [next[to], next[from]];
  return withAt(document, list, next);
}
