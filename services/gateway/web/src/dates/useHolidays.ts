import { useQuery } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/api/client";

export type Holiday = Schema<"Holiday">;

/** What is known of a year's holidays: whether they are announced, and the days by date. */
export interface Holidays {
  announced: boolean;
  days: ReadonlyMap<string, Holiday>;
}

/** A year is announced once; until then it is asked for anew now and then, as a page may be open for weeks. */
const KNOWN_MS = 6 * 3600_000;

export function useHolidays(year: number): { holidays: Holidays | undefined; isError: boolean } {
  const { data, isError } = useQuery({
    queryKey: ["holidays", year],
    queryFn: ({ signal }) => answer(api.GET("/v1/holidays/{year}", { params: { path: { year } }, signal })),
    select: asHolidays,
    staleTime: KNOWN_MS,
    gcTime: KNOWN_MS,
  });
  return { holidays: data, isError };
}

function asHolidays({ announced, days }: Schema<"HolidayYear">): Holidays {
  return { announced, days: new Map(days.map(day => [day.date, day])) };
}
