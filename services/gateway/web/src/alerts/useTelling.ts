import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, api } from "@/api/client";
import { useNow } from "@/habits/clock";
import { useLanguage } from "@/i18n";
import type { RuleFacts, RuleRef, Telling } from "./facts";

/** All rules in all versions, which sentences are told with; told without them where they cannot be read. */
export const toldRules = queryOptions({
  queryKey: ["rules", "told"],
  queryFn: ({ signal }) => answer(api.GET("/v1/rules", { signal })).catch(() => []),
  staleTime: ({ state }) => (state.data?.length ? 300_000 : 0),
});

/**
 * Language, business time and the rules that sentences of alerts are told with. It waits for the rules, which the frame
 * asks for at once: a sentence that grew when they came would move what is below it.
 */
export function useTelling(): Telling {
  const language = useLanguage();
  const now = useNow(60_000);
  const { data } = useSuspenseQuery(toldRules);
  return useMemo(() => {
    const known = new Map(data.map(rule => [`${rule.id} ${rule.version}`, rule as unknown as RuleFacts]));
    return { language, now, ruleOf: ({ id, version }: RuleRef) => known.get(`${id} ${version}`) };
  }, [language, now, data]);
}
