import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { answer, api } from "@/api/client";
import { useNow } from "@/habits/clock";
import { useLanguage } from "@/i18n";
import type { RuleFacts, RuleRef, Telling } from "./facts";

/** Language, business time and the rules that sentences of alerts are told with. */
export function useTelling(): Telling {
  const language = useLanguage();
  const now = useNow(60_000);
  const { data } = useQuery({
    queryKey: ["rules"],
    queryFn: ({ signal }) => answer(api.GET("/v1/rules", { signal })),
    staleTime: 300_000,
  });
  return useMemo(() => {
    const known = new Map((data ?? []).map(rule => [`${rule.id} ${rule.version}`, rule as unknown as RuleFacts]));
    return { language, now, ruleOf: ({ id, version }: RuleRef) => known.get(`${id} ${version}`) };
  }, [language, now, data]);
}
