import type { Schema } from "@/api/client";

/** The alert's facts that a row of work carries, for its sentence. */
export function factsOf(row: Schema<"WorkRow">) {
  return {
    kind: row.alert_kind ?? "",
    state: row.alert_state ?? undefined,
    stage: row.stage,
    period: row.period,
    severity: row.severity ?? undefined,
    rule: row.reasons[0]?.rule ?? { id: row.kind, version: 1 },
    reasons: row.reasons,
    values: row.values,
    due_at: row.due_at,
  };
}
