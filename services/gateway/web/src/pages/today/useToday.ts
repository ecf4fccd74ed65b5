import { type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useRef } from "react";
import type { AlertRow } from "@/alerts/row";
import { answer, api } from "@/api/client";
import { useLiveRows } from "@/lists/useLiveRows";
import { type PagedList, usePagedList } from "@/lists/usePagedList";
import { useLive } from "@/live/live";
import { belongs, type Day, LISTS, type TodayFilter, unitOf } from "./fields";

const PAGE = 50;
const EVERY_MS = 30_000;
/** Numbers are read anew so soon after something changed, and not more often. */
const SOON_MS = 3000;

/** Numbers, reminders and changes of the day; they follow what comes live. */
export function useDay(filter: TodayFilter): UseQueryResult<Day> {
  const client = useQueryClient();
  const unit = unitOf(filter.scope);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useLive(messages => {
    if (messages.some(message => ["alerts", "work", "reset"].includes(message.event))) {
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        void client.invalidateQueries({ queryKey: ["today"] });
      }, SOON_MS);
    }
  });
  return useQuery({
    queryKey: ["today", unit ?? ""],
    queryFn: ({ signal }) => answer(api.GET("/v1/today", { params: { query: { unit } }, signal })),
    refetchInterval: EVERY_MS,
  });
}

/** Live alerts of one of the two lists: those that nobody knows of yet, and those in hand. */
export function useDayAlerts(filter: TodayFilter, which: keyof typeof LISTS): PagedList<AlertRow> {
  const unit = unitOf(filter.scope);
  const units = useMemo(() => new Set<string | null>(), []);
  const query = { state: LISTS[which].join(","), kind: filter.kind || undefined, unit };
  const list = usePagedList<AlertRow>({
    queryKey: ["alerts", "today", query, filter.sort],
    read: async (cursor, signal) => {
      const asked = { ...query, sort: filter.sort, cursor, limit: PAGE };
      const page = await answer(api.GET("/v1/lists/alerts", { params: { query: asked }, signal }));
      for (const row of page.rows) {
        units.add(row.unit_id);
      }
      return page;
    },
    readThese: ids =>
      answer(api.GET("/v1/lists/alerts", { params: { query: { id: ids.join(","), limit: ids.length } } })),
    idOf,
    matches: row => belongs(row, filter, LISTS[which], id => id === unit || units.has(id)),
  });
  useLiveRows<AlertRow>("alerts", list, idOf);
  return list;
}

export const idOf = (row: AlertRow): string => row.alert_id;
