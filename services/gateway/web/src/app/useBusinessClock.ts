import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { dayOf } from "@/format";
import { setBusinessClock, useNow } from "@/habits/clock";

/** How often the business clock is asked, in ms; it also notices within this time that the session has ended. */
const EVERY_MS = 30_000;

/** Keeps the page on business time. Answers the business day where it is not the day of the calendar. */
export function useBusinessClock(): string | undefined {
  useQuery({
    queryKey: ["clock"],
    queryFn: async () => {
      const found = await answer(api.GET("/v1/clock"));
      setBusinessClock(found.clock ? Date.parse(found.clock) : null, found.mode !== "feed");
      return found;
    },
    refetchInterval: EVERY_MS,
    staleTime: EVERY_MS,
  });
  const day = dayOf(useNow());
  return day === dayOf(Date.now()) ? undefined : day;
}
