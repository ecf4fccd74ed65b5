import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";

/** How often, in ms, what moves is asked for again; and what rests. */
const [BUSY_MS, QUIET_MS] = [3000, 15_000];
const UNDER_WAY = ["loading", "queued"];

/** Files of a business day; without one the newest. */
export function useDay(date: string | undefined) {
  return useQuery({
    queryKey: ["feeds", "day", date ?? ""],
    queryFn: ({ signal }) => answer(api.GET("/v1/feeds", { params: { query: { date } }, signal })),
    refetchInterval: query =>
      query.state.data?.files.some(file => UNDER_WAY.includes(file.result)) ? BUSY_MS : QUIET_MS,
    placeholderData: before => before,
  });
}

export function useFile(name: string) {
  return useQuery({
    queryKey: ["feeds", "file", name],
    queryFn: ({ signal }) => answer(api.GET("/v1/feeds/files/{name}", { params: { path: { name } }, signal })),
    refetchInterval: query =>
      query.state.data?.receipts.some(receipt => UNDER_WAY.includes(receipt.result))
        ? BUSY_MS
        : query.state.data?.receipts.at(-1)?.result === "held" && QUIET_MS,
  });
}

export function useEvents() {
  return useQuery({
    queryKey: ["feeds", "events"],
    queryFn: ({ signal }) => answer(api.GET("/v1/feeds/events", { signal })),
    refetchInterval: BUSY_MS,
  });
}

export function useLetters() {
  return useQuery({
    queryKey: ["feeds", "letters"],
    queryFn: ({ signal }) => answer(api.GET("/v1/dead-letters", { signal })),
    refetchInterval: QUIET_MS,
  });
}
