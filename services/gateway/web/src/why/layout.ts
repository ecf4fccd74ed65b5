import type { Schema } from "@/api/client";

export type ChainLink = Schema<"LinkView">;

/** Where a fact stands in the picture: causes to the left, what came of them to the right. */
export interface Placed {
  link: ChainLink;
  column: number;
  row: number;
  /** The fact that caused it, where that is part of the chain. */
  cause?: ChainLink;
  /** Time in ms since its cause; absent where one of both has no time. */
  after?: number;
}

/**
 * The chain as a tree in its own order: a fact stands one column behind its cause; the first that came of a fact stays in its
 * row, each further one opens a new row below. Facts whose cause is not part of the chain, or that would be their own
 * cause, begin anew at the left.
 */
export function layout(chain: readonly ChainLink[]): Placed[] {
  const places = new Map<string, Placed>();
  const firstTaken = new Set<string>();
  let rows = 0;
  for (const link of chain) {
    const cause = link.caused_by === null ? undefined : places.get(link.caused_by);
    const staysInRow = cause !== undefined && !firstTaken.has(cause.link.id);
    const row = staysInRow ? cause.row : rows;
    rows = Math.max(rows, row + 1);
    if (cause) {
      firstTaken.add(cause.link.id);
    }
    places.set(link.id, {
      link,
      column: cause ? cause.column + 1 : 0,
      row,
      cause: cause?.link,
      after: cause && timeBetween(cause.link, link),
    });
  }
  return [...places.values()];
}

/** Time of the whole chain in ms, from the first fact that has a time to the last. */
export function wholeTime(chain: readonly ChainLink[]): number | undefined {
  const times = chain.map(link => Date.parse(link.at)).filter(at => !Number.isNaN(at));
  return times.length > 1 ? Math.max(...times) - Math.min(...times) : undefined;
}

function timeBetween(earlier: ChainLink, later: ChainLink): number | undefined {
  const ms = Date.parse(later.at) - Date.parse(earlier.at);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The fact that an arrow key leads to; the same one at an end. */
export function walk(placed: readonly Placed[], from: string | undefined, key: string): string | undefined {
  const at = placed.findIndex(each => each.link.id === from);
  const here = placed[at];
  if (!here) {
    return placed[0]?.link.id;
  }
  switch (key) {
    case "ArrowLeft":
      return here.cause?.id ?? from;
    case "ArrowRight":
      return placed.find(each => each.cause?.id === from)?.link.id ?? from;
    case "ArrowUp":
      return placed[Math.max(0, at - 1)]?.link.id;
    case "ArrowDown":
      return placed[Math.min(placed.length - 1, at + 1)]?.link.id;
    default:
      return from;
  }
}

/** What kind of fact it is: `boss`, `alert`, `work`, `sms`, `rule`, `customer`, or `other`. */
export function sortOf(type: string): "boss" | "alert" | "work" | "sms" | "customer" | "other" {
  const found = /^(?:kam\.)?(boss|alert|work|sms|customer)\./.exec(type)?.[1];
  return (found as ReturnType<typeof sortOf> | undefined) ?? "other";
}

/** The page where what a fact is about is worked on; undefined where there is none. */
export function pageOf({ detail }: ChainLink): string | undefined {
  const id = (name: string): string | undefined => {
    const value = detail[name];
    return typeof value === "string" && value !== "" ? encodeURIComponent(value) : undefined;
  };
  const [work, alert, customer] = [id("work_id"), id("alert_id"), id("customer_id")];
  return work ? `/work/${work}` : alert ? `/alerts/${alert}` : customer && `/customers/${customer}`;
}
