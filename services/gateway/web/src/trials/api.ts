import { useSuspenseQuery } from "@tanstack/react-query";
import { answer, api, type Schema } from "@/api/client";

export type Trial = Schema<"TrialView">;
export type Result = Schema<"TrialResultView">;

const isOpen = (trial: Trial | undefined): boolean => trial?.state === "waiting" || trial?.state === "running";
const EVERY_MS = 1000;

/** Trials of a version, newest first; read anew while one of them runs. */
export function useTrials(rule: string, version: number): Trial[] {
  return useSuspenseQuery({
    queryKey: ["trials", rule, version],
    queryFn: ({ signal }) =>
      answer(api.GET("/v1/rules/{id}/trials", { params: { path: { id: rule }, query: { version } }, signal })),
    refetchInterval: ({ state }) => (state.data?.some(isOpen) ? EVERY_MS : false),
  }).data;
}

/** One trial, with its result once it is done; followed while it runs. */
export function useTrial(id: string): Trial {
  return useSuspenseQuery({
    queryKey: ["trial", id],
    queryFn: ({ signal }) =>
      answer(api.GET("/v1/rules/trials/{trial_id}", { params: { path: { trial_id: id } }, signal })),
    refetchInterval: ({ state }) => (isOpen(state.data) ? EVERY_MS : false),
    staleTime: 10_000,
  }).data;
}

export function start(rule: string, version: number, from: string | undefined, to: string | undefined, key: string) {
  return answer(
    api.POST("/v1/rules/{id}/versions/{version}/try", {
      params: { path: { id: rule, version }, header: { "Idempotency-Key": key } },
      body: { ...(from ? { from } : {}), ...(to ? { to } : {}) },
    }),
  );
}

export function cancel(id: string) {
  return answer(api.DELETE("/v1/rules/trials/{trial_id}", { params: { path: { trial_id: id } } }));
}

/** How far it has come, of a hundred. */
export const percentOf = (trial: Trial): number =>
  trial.of > 0 ? Math.min(100, Math.floor((100 * trial.done) / trial.of)) : 0;

/** Calendar months back from a day, newest first: `202606`, `202605`, … */
export function monthsBack(day: string, n: number): string[] {
  const [year, month] = day.split("-").map(Number) as [number, number];
  return Array.from({ length: n }, (_, at) => {
    const months = year * 12 + (month - 1) - at;
    return `${Math.floor(months / 12)}${String((months % 12) + 1).padStart(2, "0")}`;
  });
}
