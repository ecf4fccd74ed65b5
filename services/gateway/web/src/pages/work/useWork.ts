import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, api } from "@/api/client";
import { businessNow } from "@/habits/clock";
import type { Filters } from "@/habits/filters";
import { useFound } from "@/lists/useFound";
import { type PagedList, type RowPage, usePagedList } from "@/lists/usePagedList";
import { type FIELDS, groupsOf, matches, queryOf, WHOSE, type Whose, type WorkRow } from "./fields";

const PAGE = 100;
const EMPTY: RowPage<WorkRow> = { rows: [], total: 0, next: null, as_of: null, seconds_behind: null };

export const idOf = (row: WorkRow): string => row.work_id;

/** The list of work for a filter in its groups, and how many there are under each of the tabs. */
export function useWork(filters: Filters<typeof FIELDS>, managerId: string | null | undefined) {
  const { filter, text } = filters;
  const { ids: found, isLooking, forOthers } = useFound(text);
  const nobody = text !== "" && found?.length === 0;
  const query = queryOf(filter, managerId, found);
  const list: PagedList<WorkRow> = usePagedList<WorkRow>({
    queryKey: ["work", query, nobody, isLooking],
    read: (cursor, signal) =>
      nobody || isLooking
        ? Promise.resolve(EMPTY)
        : answer(
            api.GET("/v1/lists/work", { params: { query: { ...query, sort: "due", cursor, limit: PAGE } }, signal }),
          ),
    readThese: ids =>
      answer(api.GET("/v1/lists/work", { params: { query: { id: ids.join(","), limit: ids.length } } })),
    idOf,
    matches: row => matches(filter, managerId, row, businessNow()) && (!found || found.includes(row.customer_id)),
  });
  const counts = useQuery({
    queryKey: ["facets", "work", managerId],
    queryFn: async ({ signal }) => {
      const each = WHOSE.map(async (whose): Promise<[Whose, number]> => {
        const asked = {
          open: true,
          holder: queryOf({ ...filter, whose, holder: "" }, managerId).holder as string | undefined,
        };
        const counted = await answer(api.GET("/v1/lists/work/facets", { params: { query: asked }, signal }));
        return [whose, counted.total];
      });
      return Object.fromEntries(await Promise.all(each)) as Record<Whose, number>;
    },
    refetchInterval: 30_000,
  });
  // As it was when the list was read: a row does not change its group under the hand.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time of the reading, not of the rendering
  const [readAt, placed] = useMemo(() => [businessNow(), new Map()] as const, [list.query.dataUpdatedAt]);
  const groups = useMemo(() => groupsOf(list.rows, readAt, placed), [list.rows, readAt, placed]);
  return { list, counts: counts.data, groups, exported: nobody || isLooking ? undefined : query, forOthers };
}
