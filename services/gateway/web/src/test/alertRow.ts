import type { AlertRow } from "@/alerts/row";

/** An alert of a debt, as lists give it. */
export function alertRow(change: Partial<AlertRow> = {}): AlertRow {
  const rule = { id: "arrears", version: 2 };
  const values = { amount_fen: 128650, oldest_due_on: "2026-04-30", days_overdue: 61 };
  return {
    alert_id: "a1",
    kind: "arrears",
    state: "raised",
    stage: "final_notice",
    severity: "major",
    escalated: false,
    rule,
    period: null,
    late: false,
    outcome: null,
    raised_at: "2026-06-30T00:00:00Z",
    due_at: "2026-07-01T02:00:00Z",
    amount_fen: 128650,
    reasons: [{ rule, code: "arrears", values }],
    values,
    evidence: 2,
    work_id: "w1",
    work_state: "new",
    work_revision: 3,
    holder_id: "m1",
    contact_at: null,
    contact_kind: null,
    contact_result: null,
    contact_by: null,
    sms_state: "delivered",
    customer_id: "c1",
    customer_name: "客户乙",
    customer_kind: "company",
    city: "410100",
    unit_id: "u1",
    manager_id: "m1",
    manager_name: "王芳",
    do_not_disturb: true,
    ...change,
  };
}
