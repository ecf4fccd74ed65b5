import type { Schema } from "@/api/client";
import { type common, word } from "@/i18n";

/** An alert as lists, live messages and cards have it. */
export type AlertRow = Schema<"AlertRow">;

/** The kind of work that an alert means; the server's rules decide, the form only orders its chips by it. */
const WORK_OF: Readonly<Record<string, string>> = {
  churn_warning: "retention",
  arrears: "dunning",
  complaint_opened: "complaint_follow_up",
  contract_expiring: "renewal",
  attention: "attention",
};

/** The work item of an alert as the form of an act wants it. */
export function actable(alert: {
  work_id?: string | null;
  customer_id: string;
  customer_name?: string | null;
  kind: string;
  work_revision?: number | null;
}) {
  return {
    work_id: alert.work_id ?? "",
    customer_id: alert.customer_id,
    customer_name: alert.customer_name,
    kind: WORK_OF[alert.kind] ?? "follow_up",
    revision: alert.work_revision,
  };
}

export function isOpen(row: AlertRow): boolean {
  return row.state !== "resolved" && row.state !== "expired" && row.work_id !== null;
}

/** The state as lists show it: what nobody took in hand has gone up, what maintenance holds is not told yet. */
export function stateOf(alert: { state: string; escalated_to?: string | null; suppressed?: object | null }): string {
  if (alert.state === "resolved" || alert.state === "expired") {
    return alert.state;
  }
  return alert.suppressed ? "suppressed" : alert.escalated_to ? "escalated" : alert.state;
}

/** The state of an SMS as people call it: what is held rests for the night, is stopped, or waits for room. */
export function smsStateOf(state: string, reason?: string | null): string {
  return state !== "held" || !reason || reason === "quiet_hours" ? state : reason === "stopped" ? reason : "waits";
}

/** The word for the stage of an alert; "" where it has none. */
export function stageOf(alert: { kind: string; stage?: string | null }, shared: typeof common.zh): string {
  const words = alert.kind === "arrears" ? { ...shared.stage, ...shared.arrearsStage } : shared.stage;
  return alert.stage ? word(words, alert.stage) : "";
}
