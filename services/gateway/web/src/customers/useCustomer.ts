import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { answer, api, type Schema } from "@/api/client";
import { useLive } from "@/live/live";

export type View = Schema<"CustomerView">;
export type Entry = Schema<"Entry">;
export type Account = Schema<"CustomerAccount">;

/** What a filter of the time line asks the server for. */
export const FILTERS = {
  all: undefined,
  contact: "contact,step",
  sms: "sms",
  complaint: "complaint",
  alert: "alert",
} as const;
export type TimelineFilter = keyof typeof FILTERS;

const place = (id: string) => ({ path: { id } });
/** A page that many live messages concern is read anew so often at most, in ms. */
const PAUSE_MS = 1500;

/** The page's first answer: head, open alerts, the newest entries. */
export function useView(id: string) {
  return useQuery({
    queryKey: ["customer-view", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/customers/{id}/view", { params: place(id), signal })),
    staleTime: 15_000,
    refetchInterval: 60_000,
  });
}

export function useAccount(id: string, enabled = true) {
  return useQuery({
    queryKey: ["customer-account", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/customers/{id}/account", { params: place(id), signal })),
    staleTime: 60_000,
    enabled,
  });
}

export function useHistory(id: string) {
  return useQuery({
    queryKey: ["customer-history", id],
    queryFn: ({ signal }) => answer(api.GET("/v1/customers/{id}/history", { params: place(id), signal })),
    staleTime: 60_000,
  });
}

/** Entries behind those of the first answer (`first`), or from the newest on where a filter is set. */
export function useEntries(id: string, filter: TimelineFilter, first: View) {
  const query = useInfiniteQuery({
    queryKey: ["customer-timeline", id, filter],
    queryFn: ({ pageParam, signal }) =>
      answer(
        api.GET("/v1/customers/{id}/timeline", {
          params: { ...place(id), query: { of: FILTERS[filter], cursor: pageParam, limit: 50 } },
          signal,
        }),
      ),
    initialPageParam: filter === "all" ? (first.next ?? undefined) : undefined,
    getNextPageParam: page => page.next ?? undefined,
    // Without a filter the first entries are there already: nothing is read before it is asked for.
    enabled: filter !== "all",
  });
  const pages = query.data?.pages ?? [];
  const entries = [...(filter === "all" ? first.entries : []), ...pages.flatMap(page => page.entries)];
  const hasMore = pages.length > 0 ? query.hasNextPage : filter === "all" && first.next !== null;
  const more = (): void => void (pages.length > 0 ? query.fetchNextPage() : query.refetch());
  return { query, entries, hasMore, more };
}

/** Reads the page anew when something of this customer has changed, and at once where the person did it. */
export function useRefreshed(id: string): () => void {
  const client = useQueryClient();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const refresh = (): void => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      for (const name of ["customer-view", "customer-timeline", "contacts"]) {
        void client.invalidateQueries({ queryKey: [name, id] });
      }
    }, PAUSE_MS);
  };
  useLive(messages => {
    const isOurs = messages.some(message => {
      const data = message.data as { customer_id?: string; row?: { customer_id?: string } } | null;
      return message.event === "reset" || data?.customer_id === id || data?.row?.customer_id === id;
    });
    if (isOurs) {
      refresh();
    }
  });
  return refresh;
}
