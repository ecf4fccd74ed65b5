import { queryOptions, useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";

/** The units that the person sees. The frame asks for them at once: filters of lists stand on them. */
export const seenUnits = queryOptions({
  queryKey: ["units"],
  queryFn: ({ signal }) => answer(api.GET("/v1/units", { signal })),
  staleTime: 300_000,
});

export const useUnits = () => useQuery(seenUnits);
