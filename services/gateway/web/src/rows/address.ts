import type { ListName } from "@/jobs/api";

/** The rows behind a number: their list and its filter, and how many there were when the number was shown. */
export interface RowsAsked {
  list: ListName;
  filter: Readonly<Record<string, string>>;
  count?: number;
}

const LISTS: readonly string[] = ["alerts", "work", "sms", "customers"];

/** As one value in an address: `alerts~37~kind=arrears&open=1`. */
export function writeRows({ list, filter, count }: RowsAsked): string {
  return [list, count ?? "", new URLSearchParams(filter).toString()].join("~");
}

/** What such a value asks for; undefined where it is none. */
export function readRows(text: string | null): RowsAsked | undefined {
  const [list, count, ...rest] = (text ?? "").split("~");
  if (!list || !LISTS.includes(list) || rest.length === 0) {
    return undefined;
  }
  const filter = Object.fromEntries(new URLSearchParams(rest.join("~")));
  return { list: list as ListName, filter, count: count && /^\d+$/.test(count) ? Number(count) : undefined };
}
