import type { workText } from "./messages";

/** What is done for a customer, in the order of the number keys. */
export const ACTS = ["call", "sms", "visit", "offer", "other"] as const;
export type Act = (typeof ACTS)[number];
export type Result = keyof typeof workText.zh.results;

const RESULTS: Readonly<Record<string, readonly Result[]>> = {
  dunning: ["promised", "no_answer", "disputed", "propose_suspension", "other"],
  retention: ["reached", "accepted", "considering", "refused", "no_answer"],
  complaint_follow_up: ["solved", "reached", "disputed", "no_answer"],
  renewal: ["accepted", "considering", "refused", "no_answer"],
};
const OUTCOMES = {
  dunning: ["paid", "promised", "false_alarm", "other"],
  retention: ["retained", "lost", "false_alarm", "other"],
  renewal: ["retained", "lost", "other"],
  complaint_follow_up: ["other", "false_alarm"],
} as const;
export type Outcome = "retained" | "lost" | "paid" | "promised" | "false_alarm" | "other";

/** What may come of it, by the kind of work. */
export function resultsOf(kind: string): readonly Result[] {
  return RESULTS[kind] ?? ["reached", "no_answer", "other"];
}

export function outcomesOf(kind: string): readonly Outcome[] {
  return (OUTCOMES as Record<string, readonly Outcome[]>)[kind] ?? ["other", "false_alarm"];
}
