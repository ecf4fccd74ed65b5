import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, api } from "@/api/client";
import { businessNow } from "@/habits/clock";
import type { Filters } from "@/habits/filters";
import { useFound } from "@/lists/useFound";
import { type PagedList, type RowPage, usePagedList } from "@/lists/usePagedList";
import { type AlertRow, countedOf, type FIELDS, matches, queryOf } from "./fields";

const PAGE = 100;
const EMPTY: RowPage<AlertRow> = { rows: [], total: 0, next: null, as_of: null, seconds_behind: null };

/** The list of alerts for a filter, and the counts above it. */
export function useAlerts(filters: Filters<typeof FIELDS>) {
  const { filter, text } = filters;
  const { ids: found, isLooking, forOthers } = useFound(text);
  const nobody = text !== "" && found?.length === 0;
  const query = queryOf(filter, found);
  const units = useMemo(() => new Set<string | null>(), []);
  const list: PagedList<AlertRow> = usePagedList<AlertRow>({
    queryKey: ["alerts", query, filter.sort, nobody, isLooking],
    read: async (cursor, signal) => {
      if (nobody || isLooking) {
        return EMPTY;
      }
      const page = await answer(
        api.GET("/v1/lists/alerts", {
          params: { query: { ...query, sort: filter.sort, cursor, limit: PAGE } },
          signal,
        }),
      );
      for (const row of page.rows) {
        units.add(row.unit_id);
      }
      return page;
    },
    readThese: ids =>
      answer(api.GET("/v1/lists/alerts", { params: { query: { id: ids.join(","), limit: ids.length } } })),
    idOf,
    matches: row =>
      matches(filter, row, businessNow(), unit => units.has(unit)) && (!found || found.includes(row.customer_id)),
  });
  const counted = countedOf(filter, found);
  const counts = useQuery({
    queryKey: ["facets", "alerts", counted],
    queryFn: ({ signal }) => answer(api.GET("/v1/lists/alerts/facets", { params: { query: counted }, signal })),
    enabled: !nobody && !isLooking,
    refetchInterval: 30_000,
  });
  return {
    list,
    counts: nobody ? undefined : counts.data,
    exported: nobody || isLooking ? undefined : query,
    forOthers,
  };
}

export const idOf = (row: AlertRow): string => row.alert_id;
