import { describe, expect, it } from "vitest";
import { type Rule, sentenceText } from "./ruleText";

const fall: Rule = {
  id: "drop-30",
  version: 4,
  state: "active",
  author: "kam",
  why: "",
  created_at: "2026-06-01T00:00:00+00:00",
  active_from: null,
  switches: [],
  document: {},
  type: "fall",
  name_zh: "话费骤降",
  name_en: "Bill falls",
  severity: "major",
  metrics: [
    { record: "BILL", figure: "amount_fen", code: "bill_fall" },
    { record: "USAGE", figure: "voice_minutes", code: "minutes_fall" },
  ],
  percent: 70,
  months: 3,
  min_months_in_network: 3,
  excluded_plan_codes: [],
  excluded_customers: ["C1"],
};

const rule = (type: string, more: object): Rule => ({ ...fall, id: type, type, ...more }) as Rule;

describe("a rule as a sentence", () => {
  it.each([
    [
      fall,
      "当 话费 或 通话时长 ≤ 前 3 个月均值的 70%，且在网 ≥ 3 个月；排除 1 个客户。",
      "When bill or voice minutes ≤ 70% of the mean of the 3 months before, and ≥ 3 months in the network; without 1 customers.",
    ],
    [
      rule("request", { request: "port_query", late_after_days: 60 }),
      "当客户 查询携号转网，60 天内有效。",
      "When the customer asks about porting the number; good for 60 days.",
    ],
    [
      rule("arrears", {
        stages: [
          { after_days: 1, stage: "reminder" },
          { after_days: 30, stage: "second_reminder" },
          { after_days: 60, stage: "final_notice" },
        ],
      }),
      "当客户欠费：逾期 1 天首次提醒，逾期 30 天二次提醒，逾期 60 天最后通知。",
      "When a customer owes money: First reminder 1 day late, Second reminder 30 days late, Final notice 60 days late.",
    ],
    [
      rule("complaint", { due_hours: { urban: 48, rural: 72 }, due_soon_percent: 80 }),
      "当客户投诉：时限 城区 48 小时、农村 72 小时，用去 80% 时提醒。",
      "When a customer complains: urban 48 h, rural 72 h; a reminder at 80% of the time.",
    ],
    [rule("contract", { steps: [90, 7, 1] }), "当合约还剩 90、7、1 天到期。", "When a contract ends in 90, 7, 1 days."],
    [rule("condition", { on: ["USAGE"], when: { all: [] } }), "话费骤降", "Bill falls"],
    [rule("new-type", {}), "话费骤降", "Bill falls"],
  ])("%#", (one, zh, en) => {
    expect(sentenceText(one, "zh")).toBe(zh);
    expect(sentenceText(one, "en").toLowerCase()).toBe(en.toLowerCase());
  });

  it("takes a document with anything in it", () => {
    for (const type of ["fall", "request", "arrears", "complaint", "contract"]) {
      const odd: Rule = { ...fall, id: "x", type, name_zh: "", name_en: "", stages: 7, steps: "no", metrics: [null] };
      expect(sentenceText(odd, "zh")).toContain("当");
    }
  });
});
