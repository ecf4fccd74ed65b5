import { queryOptions, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";

const figures = queryOptions({
  queryKey: ["figures"],
  queryFn: ({ signal }) => answer(api.GET("/v1/rules/figures", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The figures that conditions may ask for. */
export const useFigures = () => useQuery(figures);

/** The same, for who shows nothing without them. */
export const useFiguresNow = () => useSuspenseQuery(figures).data;
