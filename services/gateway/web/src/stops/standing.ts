import { queryOptions } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/api/client";

export type Stop = Schema<"StopView">;

/** What leaves no more just now. */
export const standingStops = queryOptions({
  queryKey: ["stops"],
  queryFn: ({ signal }) => answer(api.GET("/v1/stops", { signal })),
  refetchInterval: 10_000,
});

/**
 * The stop that keeps a message back, of those that stand; `about`: what of it can be stopped, as `template/reminder`.
 * One that `isHeld` by a stop of something else, such as all its channels, has the only one that stands.
 */
export function stopOf(standing: readonly Stop[], about: readonly string[], isHeld: boolean): Stop | undefined {
  const found = about.map(what => standing.find(stop => stop.what === what)).find(Boolean);
  return found ?? (isHeld && standing.length === 1 ? standing[0] : undefined);
}
