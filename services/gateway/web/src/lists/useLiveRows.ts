import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useLive } from "@/live/live";
import type { PagedList } from "./usePagedList";

/** Counts are read anew so often at most, in ms. */
const COUNTS_MS = 5000;

/** The row that a live message brings, where it is one of this list. */
function rowIn<Row>(data: unknown, idOf: (row: Row) => string): Row | undefined {
  const about = data as { row?: Row } | Row | null;
  const row = (about && typeof about === "object" && "row" in about ? about.row : about) as Row | null | undefined;
  return row && typeof row === "object" && typeof idOf(row) === "string" && "customer_name" in row ? row : undefined;
}

/** Lets live messages change a list in place; new rows wait, counts follow. */
export function useLiveRows<Row extends object>(
  name: "alerts" | "work" | "sms" | "customers",
  idOf: (row: Row) => string,
  list: PagedList<Row>,
): void {
  const client = useQueryClient();
  const counting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive(messages => {
    const rows = messages.flatMap(message => rowIn<Row>(message.data, idOf) ?? []);
    if (rows.length > 0) {
      list.change(rows);
    }
    if (rows.length > 0 || messages.some(message => message.event === "reset")) {
      counting.current ??= setTimeout(() => {
        counting.current = undefined;
        void client.invalidateQueries({ queryKey: ["facets", name] });
      }, COUNTS_MS);
    }
    if (messages.some(message => message.event === "reset")) {
      list.look();
    }
  });
}
