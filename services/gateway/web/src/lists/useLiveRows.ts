import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { type LiveMessage, useLive } from "@/live/live";
import type { PagedList } from "./usePagedList";

/** Counts are read anew so often at most, in ms. */
const COUNTS_MS = 5000;

interface OfCustomer {
  customer_id: string;
}

/** Rows of a list among live messages, and customers who left what the person may see: rows told before went with them. */
export function toldOf<Row extends OfCustomer>(
  messages: readonly LiveMessage[],
  name: string,
): { rows: readonly Row[]; gone: ReadonlySet<string> } {
  let rows: Row[] = [];
  const gone = new Set<string>();
  for (const { event, data } of messages) {
    if (event === name) {
      rows.push(data as Row);
    } else if (event === "gone") {
      const { customer_id: id } = data as OfCustomer;
      rows = rows.filter(row => row.customer_id !== id);
      gone.add(id);
    }
  }
  return { rows, gone };
}

/** Lets live messages change a list in place; new rows wait, counts follow. Customers themselves are not told of. */
export function useLiveRows<Row extends OfCustomer>(
  name: "alerts" | "work" | "sms" | "customers",
  list: PagedList<Row>,
  idOf: (row: Row) => string,
): void {
  const client = useQueryClient();
  const counting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive(messages => {
    const { rows, gone } = toldOf<Row>(messages, name);
    const isReset = messages.some(message => message.event === "reset");
    if (gone.size > 0) {
      const again = new Set(rows.map(idOf));
      list.drop(row => gone.has(row.customer_id) && !again.has(idOf(row)));
    }
    if (rows.length > 0) {
      list.change(rows);
    }
    if (rows.length > 0 || gone.size > 0 || isReset) {
      counting.current ??= setTimeout(() => {
        counting.current = undefined;
        void client.invalidateQueries({ queryKey: ["facets", name] });
      }, COUNTS_MS);
    }
    if (isReset) {
      list.check();
    }
  });
}
