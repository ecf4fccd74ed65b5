import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useUndo } from "@/habits/undo";
import { common, useLanguage, useText, word } from "@/i18n";
import { isUnfinished, JOBS, type Job, listJobs } from "./api";
import { jobsText } from "./messages";

const OFTEN_MS = 1000;

/** One's own jobs; asked again every second as long as one is under way. */
export function useJobs(): UseQueryResult<Job[]> {
  return useQuery({
    queryKey: JOBS,
    queryFn: ({ signal }) => listJobs(signal),
    refetchInterval: query => (query.state.data?.some(isUnfinished) ? OFTEN_MS : false),
    refetchIntervalInBackground: true,
  });
}

/** Those that were under way and are not any more. */
export function ended(before: readonly Job[] | undefined, now: readonly Job[]): Job[] {
  const waited = new Set(before?.filter(isUnfinished).map(job => job.id));
  return now.filter(job => waited.has(job.id) && !isUnfinished(job));
}

/** Says once, on whatever page, that a job is done or came to nothing. */
export function useTellEnded(jobs: readonly Job[] | undefined): void {
  const t = useText(jobsText);
  const words = useText(common);
  const language = useLanguage();
  const { tell } = useUndo();
  const before = useRef<readonly Job[]>(undefined);
  useEffect(() => {
    if (!jobs) {
      return;
    }
    for (const job of ended(before.current, jobs)) {
      const what = word(t.list, job.list);
      const why = job.failure?.[language] ?? words.problem.noAnswer;
      tell(job.state === "done" ? { text: t.done(what, job.done) } : { text: t.failed(what, why), tone: "error" });
    }
    before.current = jobs;
  }, [jobs, t, words, language, tell]);
}
