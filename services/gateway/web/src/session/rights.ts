import { useSuspenseQuery } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/api/client";

type Rights = Schema<"OwnRights">["rights"];
export type Area = keyof Rights;
export type Verb = NonNullable<Rights[Area]>[number];

/**
 * Whether one may do this over the whole province; the page waits until that is known. Asked of the server: what a role
 * may do is data, and a right over a part of the province is less than one over all of it.
 */
export function useMayEverywhere(area: Area, verb: Verb): boolean {
  return useRights().everywhere[area]?.includes(verb) ?? false;
}

/** The same, be it over a part of the province: the server says of what. */
export function useMay(area: Area, verb: Verb): boolean {
  return useRights().rights[area]?.includes(verb) ?? false;
}

function useRights(): Schema<"OwnRights"> {
  return useSuspenseQuery({
    queryKey: ["own-rights"],
    queryFn: ({ signal }) => answer(api.GET("/v1/session/rights", { signal })),
    staleTime: 60_000,
  }).data;
}
