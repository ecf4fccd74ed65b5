import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";

/** The figures that conditions may ask for. */
export function useFigures() {
  return useQuery({
    queryKey: ["figures"],
    queryFn: ({ signal }) => answer(api.GET("/v1/rules/figures", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}
