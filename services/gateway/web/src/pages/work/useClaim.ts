import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { asProblem } from "@/api/problem";
import { requestKey } from "@/api/requestKey";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText } from "@/i18n";

const EVERY_MS = 30_000;

/** How much work waits for anybody of the person's unit, and taking the most urgent of it. */
export function useClaim(isManager: boolean, onClaimed: (workId: string) => void) {
  const language = useLanguage();
  const words = useText(common);
  const { tell } = useUndo();
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: ["claims"],
    queryFn: ({ signal }) => answer(api.GET("/v1/claims", { signal })),
    refetchInterval: EVERY_MS,
    enabled: isManager,
  });
  const { mutate, isPending } = useMutation({
    mutationFn: () => answer(api.POST("/v1/claims", { params: { header: { "Idempotency-Key": requestKey() } } })),
    onSuccess: ({ work_id }) => {
      void client.invalidateQueries({ queryKey: ["facets", "work"] });
      onClaimed(work_id);
    },
    onError: error => tell({ text: asProblem(error).said(language) || words.problem.noAnswer, tone: "error" }),
    onSettled: () => void client.invalidateQueries({ queryKey: ["claims"] }),
  });
  return { waiting: data?.count ?? 0, isClaiming: isPending, claim: () => mutate() };
}
