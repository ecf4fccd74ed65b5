import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { useLive } from "@/live/live";
import type { PagedList } from "./usePagedList";

/** Counts are read anew so often at most, in ms. */
const COUNTS_MS = 5000;

/** Lets live messages change a list in place; new rows wait, counts follow. */
export function useLiveRows<Row extends object>(name: "alerts" | "work" | "sms", list: PagedList<Row>): void {
  const client = useQueryClient();
  const counting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive(messages => {
    const rows = messages.filter(message => message.event === name).map(message => message.data as Row);
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
