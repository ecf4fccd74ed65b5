import { describe, expect, it } from "vitest";
import { type AlertFacts, amountOf, brief, deadline, plain, type RuleFacts, sentence, told } from "./sentence";

const NOW = Date.parse("2026-06-30T09:00:00+08:00");
const SEEDS: Record<string, RuleFacts> = {
  "drop-30": { id: "drop-30", version: 4, percent: 70, months: 3 },
  arrears: {
    id: "arrears",
    version: 1,
    stages: [
      { after_days: 1, stage: "reminder" },
      { after_days: 30, stage: "second_reminder" },
      { after_days: 60, stage: "final_notice" },
      { after_days: 90, stage: "suspension_proposed" },
    ],
  },
  "complaint-opened": { id: "complaint-opened", version: 1, due_hours: { urban: 48, rural: 72 } },
  silent: { id: "silent", version: 2, name_zh: "近乎静默", name_en: "Nearly silent" },
};
const ruleOf = ({ id }: { id: string }): RuleFacts | undefined => SEEDS[id];

function alert(kind: string, code: string, rule: string, values: object, more: Partial<AlertFacts> = {}): AlertFacts {
  const ref = { id: rule, version: SEEDS[rule]?.version ?? 1 };
  return {
    kind,
    rule: ref,
    values: values as Record<string, unknown>,
    reasons: [{ rule: ref, code, values: values as Record<string, unknown> }],
    ...more,
  };
}

const bill = alert(
  "churn_warning",
  "bill_fall",
  "drop-30",
  {
    amount_fen: 312000,
    amount_fen_base: 3 * 498600,
    amount_fen_percent: 62,
  },
  { period: "202606" },
);
const debt = (stage: string, due: string | null, more: object = {}): AlertFacts =>
  alert(
    "arrears",
    "arrears",
    "arrears",
    { amount_fen: 128650, oldest_due_on: due, suspended: false, ...more },
    { stage },
  );
const complaint = (stage: string, due: string, opened = "2026-06-28T18:20:00+08:00"): AlertFacts =>
  alert(
    "complaint_opened",
    "complaint",
    "complaint-opened",
    {
      complaint_id: "C1",
      opened_at: opened,
      category: "网络质量",
      complaint_severity: 2,
    },
    { stage, due_at: due },
  );
const contract = (ends: string, more: object = {}): AlertFacts =>
  alert(
    "contract_expiring",
    "contract",
    "contract-expiring",
    {
      contract_id: "K9",
      product_code: "5G畅享",
      ends_on: ends,
      days_left: 7,
      ...more,
    },
    { stage: "7" },
  );

const TABLE: [string, AlertFacts, string, string][] = [
  [
    "a bill that fell",
    bill,
    "6月话费 ¥3,120.00，比前三个月均值 ¥4,986.00 低 37%（规则线 −30%）。",
    "June bill ¥3,120.00, 37% below the three-month mean ¥4,986.00 (line −30%).",
  ],
  [
    "a bill that fell, and a second reason",
    {
      ...bill,
      reasons: [
        ...(bill.reasons ?? []),
        {
          rule: { id: "port-query", version: 1 },
          code: "port_query",
          values: { port_query_id: "S1", port_query_at: "2026-06-28T14:05:00+08:00" },
        },
      ],
    },
    "6月话费 ¥3,120.00，比前三个月均值 ¥4,986.00 低 37%（规则线 −30%）。另：06-28 14:05 查询携号转网。",
    "June bill ¥3,120.00, 37% below the three-month mean ¥4,986.00 (line −30%). Also: Porting asked 28 Jun 14:05.",
  ],
  [
    "calls that stopped, by a rule that is not at hand",
    alert(
      "churn_warning",
      "minutes_fall",
      "drop-40",
      { voice_minutes: 0, voice_minutes_base: 3000, voice_minutes_percent: 0 },
      { period: "202601" },
    ),
    "1月通话 0 分钟，比前三个月均值 1,000 分钟 低 100%。",
    "January calls 0 min, 100% below the three-month mean 1,000 min.",
  ],
  [
    "a request to stop",
    alert("churn_warning", "stop_request", "stop-request", {
      stop_request_id: "S2",
      stop_request_at: "2026-06-21T14:05:00+08:00",
    }),
    "06-21 14:05 提出拆机。",
    "Line closure asked 21 Jun 14:05.",
  ],
  [
    "a debt at the final notice",
    debt("final_notice", "2026-04-30"),
    "欠 ¥1,286.50，最早一笔逾期 61 天，已到最后通知；再过 29 天建议停机。",
    "Owes ¥1,286.50; oldest bill 61 days late, at final notice; suspension proposed in 29 days.",
  ],
  [
    "a debt of yesterday",
    debt("reminder", "2026-06-29"),
    "欠 ¥1,286.50，最早一笔逾期 1 天，已到首次提醒；再过 29 天二次提醒。",
    "Owes ¥1,286.50; oldest bill 1 day late, at first reminder; second reminder in 29 days.",
  ],
  [
    "a debt that is not due yet",
    debt("opened", "2026-07-05"),
    "欠 ¥1,286.50，最早一笔 7月5日 到期；再过 6 天首次提醒。",
    "Owes ¥1,286.50; oldest bill due 5 Jul; first reminder in 6 days.",
  ],
  ["a debt without a date", debt("opened", null), "欠 ¥1,286.50，到期日未知。", "Owes ¥1,286.50; due date unknown."],
  [
    "a debt at the last stage",
    debt("suspension_proposed", "2026-03-01"),
    "欠 ¥1,286.50，最早一笔逾期 121 天，已到建议停机。",
    "Owes ¥1,286.50; oldest bill 121 days late, at suspension proposed.",
  ],
  ["a suspended line", debt("suspended", "2026-03-01"), "欠 ¥1,286.50，已停机。", "Owes ¥1,286.50; suspended."],
  [
    "a complaint in time",
    complaint("opened", "2026-06-30T18:20:00+08:00"),
    "投诉“网络质量”，城区限 48 小时，还剩 9 小时 20 分。",
    "Complaint about 网络质量; urban limit 48 h, 9 h 20 min left.",
  ],
  [
    "a complaint that is overdue",
    complaint("overdue", "2026-06-30T05:55:00+08:00", "2026-06-27T05:55:00+08:00"),
    "投诉“网络质量”，农村限 72 小时，已超时 3 小时 5 分。",
    "Complaint about 网络质量; rural limit 72 h, 3 h 5 min overdue.",
  ],
  [
    "a complaint that was reopened",
    complaint("reopened", "2026-07-01T09:00:00+08:00"),
    "投诉“网络质量”重新打开，还剩 24 小时。",
    "Complaint about 网络质量 reopened; 24 h left.",
  ],
  [
    "a complaint without a due time",
    { ...complaint("opened", ""), due_at: null },
    "投诉“网络质量”，06-28 18:20 提出。",
    "Complaint about 网络质量; made 28 Jun 18:20.",
  ],
  [
    "a contract with all that can be said",
    contract("2026-07-07", { monthly_fee_fen: 28800, auto_renew: false }),
    "合约 5G畅享（月费 ¥288.00） 7月7日 到期，还有 7 天，未设自动续约。",
    "Contract 5G畅享 (¥288.00 a month) ends 7 Jul, in 7 days; auto-renew is off.",
  ],
  [
    "a contract that ends today",
    contract("2026-06-30"),
    "合约 5G畅享 6月30日 到期，就是今天。",
    "Contract 5G畅享 ends 30 Jun, today.",
  ],
  [
    "a rule that staff wrote",
    alert("attention", "silent", "silent", {
      usage_active_days: 2,
      usage_active_days_limit: 3,
      bill_amount_fen: 1200,
      bill_amount_fen_limit: 2000,
      arrears_suspended: true,
    }),
    "命中规则 silent v2：近乎静默 活跃天数 2，账单金额 ¥12.00，因欠费停机 是，界限 3, ¥20.00。",
    "Rule silent v2 met: Nearly silent active days 2, bill ¥12.00, suspended for debt yes, limit 3, ¥20.00.",
  ],
  [
    "an alert that lost its reasons",
    {
      kind: "arrears",
      rule: { id: "arrears", version: 1 },
      reasons: [],
      values: { amount_fen: 5000 },
      stage: "opened",
    },
    "欠 ¥50.00，到期日未知。",
    "Owes ¥50.00; due date unknown.",
  ],
];

describe("an alert says why", () => {
  it.each(TABLE)("%s", (_, found, zh, en) => {
    expect(told(found, { language: "zh", now: NOW, ruleOf })).toBe(zh);
    expect(told(found, { language: "en", now: NOW, ruleOf })).toBe(en);
  });

  it("sets the numbers apart", () => {
    expect(sentence(bill, { language: "zh", now: NOW, ruleOf }).filter(part => typeof part !== "string")).toEqual([
      { value: "¥3,120.00" },
      { value: "¥4,986.00" },
      { value: "37%" },
    ]);
  });

  it("never says that more was lost than was: just at the line is 30 %", () => {
    const at = { amount_fen: 70, amount_fen_base: 300, amount_fen_percent: 70 };
    expect(
      told(alert("churn_warning", "bill_fall", "drop-30", at, { period: "202606" }), {
        language: "zh",
        now: NOW,
      }),
    ).toContain("低 30%");
  });

  it("leaves nobody without words, whatever comes", () => {
    for (const code of [
      "bill_fall",
      "minutes_fall",
      "stop_request",
      "port_query",
      "arrears",
      "complaint",
      "contract",
      "x",
    ]) {
      for (const language of ["zh", "en"] as const) {
        const odd = alert("new_kind", code, "nobody", { amount_fen: "much", ends_on: 7, opened_at: null });
        expect(told(odd, { language, now: NOW }), code).not.toMatch(/undefined|NaN|null|\[object/);
        expect(plain(brief(odd, { language, now: NOW })), code).not.toMatch(/undefined|NaN|null|\[object/);
      }
    }
  });
});

describe("in a column", () => {
  it.each([
    [bill, "6月话费 ¥3,120.00，低 37%", "June bill ¥3,120.00, 37% lower"],
    [debt("final_notice", "2026-04-30"), "欠 ¥1,286.50，逾期 61 天", "Owes ¥1,286.50, 61 days late"],
    [
      complaint("opened", "2026-06-30T18:20:00+08:00"),
      "投诉“网络质量”，06-28 18:20 提出",
      "Complaint about 网络质量, made 28 Jun 18:20",
    ],
    [contract("2026-07-07"), "5G畅享 7月7日 到期，还有 7 天", "5G畅享 ends 7 Jul, in 7 days"],
  ])("%#", (found, zh, en) => {
    expect(plain(brief(found, { language: "zh", now: NOW, ruleOf }))).toBe(zh);
    expect(plain(brief(found, { language: "en", now: NOW, ruleOf }))).toBe(en);
  });

  it("knows the money and the time that is left", () => {
    expect(amountOf(bill)).toBe(312000);
    expect(amountOf(contract("2026-07-07"))).toBeUndefined();
    expect(deadline("2026-06-30T18:20:00+08:00", { language: "zh", now: NOW })).toEqual({
      text: "剩 9:20",
      isOver: false,
    });
    expect(deadline("2026-06-30T05:55:00+08:00", { language: "en", now: NOW })).toEqual({
      text: "3:05 overdue",
      isOver: true,
    });
    expect(deadline(null, { language: "en", now: NOW })).toBeUndefined();
  });
});
