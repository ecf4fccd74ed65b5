import { useQuery } from "@tanstack/react-query";
import { find } from "@/app/search";
import type { ForOthers } from "./useCopyLink";

/** Most customers that a text narrows a list to: their ids stand in an address. */
const MOST = 12;

/**
 * Customers whom a free text means, for a list's filter: `undefined` without a text or while it is looked up, else their
 * ids; none: nobody is meant. The text itself goes as a body, so that no phone number stands in an address.
 */
export function useFound(text: string): { ids: string[] | undefined; isLooking: boolean; forOthers: ForOthers } {
  const asked = text.trim();
  const { data, isFetching } = useQuery({
    queryKey: ["find", asked],
    queryFn: async ({ signal }) => (await find(asked, signal)).customers.map(each => each.customer_id).slice(0, MOST),
    enabled: asked !== "",
  });
  const ids = asked ? data : undefined;
  return {
    ids,
    isLooking: asked !== "" && data === undefined && isFetching,
    forOthers: query => (ids ? (ids.length === 0 ? "nobody" : query.set("customer", ids.join(","))) : asked === ""),
  };
}
