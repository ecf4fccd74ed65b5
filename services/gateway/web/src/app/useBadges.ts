import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { useMe } from "@/session/session";
import type { Badges } from "./Navigation";

const EVERY_MS = 30_000;
/** Who has items of their own; others look at everybody's. */
const ACTING = ["manager", "head", "city_head"];

/** How many items wait for the person: as many as the bare lists show. */
export function useBadges(): Badges {
  const { role, manager_id: holder } = useMe();
  const isActing = ACTING.includes(role);
  const alerts = useQuery({
    queryKey: ["badges", "alerts"],
    queryFn: ({ signal }) => answer(api.GET("/v1/lists/alerts/facets", { params: { query: { open: true } }, signal })),
    enabled: isActing,
    refetchInterval: EVERY_MS,
  });
  const work = useQuery({
    queryKey: ["badges", "work"],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/v1/lists/work/facets", { params: { query: { open: true, holder: holder ?? undefined } }, signal }),
      ),
    enabled: isActing && Boolean(holder),
    refetchInterval: EVERY_MS,
  });
  return { alerts: alerts.data?.open ?? undefined, work: work.data?.total };
}
