import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import type { Figure } from "./condition";

const figures = queryOptions({
  queryKey: ["figures"],
  queryFn: ({ signal }) => answer(api.GET("/v1/rules/figures", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The figures that conditions may ask for; whoever asks waits for them. */
export const useFigures = (): Figure[] => useSuspenseQuery(figures).data;
