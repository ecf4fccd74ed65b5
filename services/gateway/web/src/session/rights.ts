import { queryOptions, useQuery, useSuspenseQuery } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/api/client";
import { useMe } from "./session";

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

/** The same without waiting: until the server has answered, it is as for these roles as a rule. */
export function useMaySoon(area: Area, verb: Verb, asARule: readonly string[]): boolean {
  const { role } = useMe();
  const { data } = useQuery(ownRights);
  return data ? (data.rights[area]?.includes(verb) ?? false) : asARule.includes(role);
}

const ownRights = queryOptions({
  queryKey: ["own-rights"],
  queryFn: ({ signal }) => answer(api.GET("/v1/session/rights", { signal })),
  staleTime: 60_000,
});

function useRights(): Schema<"OwnRights"> {
  return useSuspenseQuery(ownRights).data;
}
