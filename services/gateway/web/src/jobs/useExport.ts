import { useMutation, useQueryClient } from "@tanstack/react-query";
import { asProblem } from "@/api/problem";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText } from "@/i18n";
import { useMe } from "@/session/session";
import { type Format, JOBS, type Job, type ListFilter, type ListName, mayExport, startExport, wireFilter } from "./api";
import { jobsText } from "./messages";

interface Export {
  /** Whether this person may export this list: without it there is no button. */
  may: (list: ListName) => boolean;
  isStarting: boolean;
  /** Starts the job and says so; `filter` is what the page gives to `GET /v1/lists/{list}`. */
  start: (list: ListName, filter: ListFilter, format: Format) => void;
}

/** Exports of a list in the background: every page's export button calls this one (`ExportButton`). */
export function useExport(): Export {
  const t = useText(jobsText);
  const words = useText(common);
  const language = useLanguage();
  const { role } = useMe();
  const { tell } = useUndo();
  const client = useQueryClient();
  const { mutate, isPending } = useMutation({
    mutationFn: startExport,
    onSuccess: job => {
      client.setQueryData<Job[]>(JOBS, (jobs = []) => [job, ...jobs]);
      void client.invalidateQueries({ queryKey: JOBS });
      tell({ text: t.started(job.total) });
    },
    onError: error => {
      const problem = asProblem(error);
      const why = problem.said(language) || words.problem.noAnswer;
      const reference = problem.reference && words.problem.reference(problem.reference);
      tell({ text: [`${t.notStarted}：${why}`, reference].filter(Boolean).join(" · "), tone: "error" });
    },
  });
  return {
    may: list => mayExport(role, list),
    isStarting: isPending,
    start: (list, filter, format) => mutate({ list, filter: wireFilter(filter), format, language }),
  };
}
