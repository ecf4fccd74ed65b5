import { describe, expect, it } from "vitest";
import { plain } from "@/alerts/wording";
import { type Condition, conditionSentence } from "./condition";

const of = (code: string, met: boolean | null, more: Partial<Condition> = {}): Condition => ({
  code,
  met,
  value: null,
  limit: null,
  values: {},
  ...more,
});
const zh = (condition: Condition): string => plain(conditionSentence(condition, "202606", "zh"));
const en = (condition: Condition): string => plain(conditionSentence(condition, "202606", "en"));
const bill = { figure: "amount_fen", percent: 70, months: 3, base: 1_500_000 };

describe("a condition of a rule", () => {
  it("says value, line and mean of a figure", () => {
    const above = of("bill_fall", false, { value: 360_000, limit: 350_000, values: bill });
    expect(zh(above)).toBe("6月话费 ¥3,600.00，高于规则线 ¥3,500.00（前 3 个月均值 ¥5,000.00 的 70%）。");
    expect(en(above)).toBe("June bill ¥3,600.00, above the line ¥3,500.00 (70% of the 3-month mean ¥5,000.00).");
    const minutes = { ...bill, figure: "voice_minutes", base: 300 };
    expect(zh(of("minutes_fall", true, { value: 60, limit: 70, values: minutes }))).toBe(
      "6月通话时长 60 分钟，不高于规则线 70 分钟（前 3 个月均值 100 分钟 的 70%）。",
    );
  });

  it("says what is missing to judge by", () => {
    expect(zh(of("bill_fall", null, { values: { ...bill, base: null } }))).toBe("6月话费还没有数据。");
    expect(zh(of("bill_fall", null, { value: 1, values: { ...bill, base: null } }))).toBe(
      "6月话费 ¥0.01，前 3 个月有缺，没有均值可比。",
    );
    expect(zh(of("bill_fall", false, { value: 0, values: { ...bill, base: 0 } }))).toContain("无从下降");
    expect([zh(of("record", null)), zh(of("owes", false))]).toEqual([
      "客户资料还没到，先记着不判",
      "BOSS 没有报过欠费。",
    ]);
  });

  it.each([
    [of("status", false, { value: "suspended", limit: "active" }), "状态 已停机，规则只看 正常"],
    [of("months_in_network", false, { value: "2026-05-02", limit: 3 }), "2026-05-02 入网，未满 3 个月"],
    [of("listed", false), "在规则的排除名单里"],
    [of("in_network", false), "已离网"],
    [of("stop_request", false, { values: { request: "stop" } }), "6月没有拆机申请。"],
    [
      of("port_query", true, { value: "2026-06-28T14:05:00+08:00", values: { request: "port_query" } }),
      "06-28 14:05 有携号转网查询。",
    ],
    [
      of("owes", true, { value: 128_650, values: { oldest_due_on: "2026-05-01" } }),
      "欠 ¥1,286.50，最早应缴 2026-05-01。",
    ],
    [of("complaint", false, { value: "closed", values: { complaint_id: "p1" } }), "投诉 p1 已办结。"],
    [
      of("contract", false, { value: 244, limit: 90, values: { contract_id: "k1", ends_on: "2026-12-31" } }),
      "合约 k1 还有 244 天到期；到期前 90 天起预警。",
    ],
    [
      of("status", false, { values: { held_at: "2026-07-02T02:00:00Z", zh: "那时被排除；现已不再", en: "then" } }),
      "那时被排除；现已不再",
    ],
    [of("<b>", false, { value: 3, limit: 2 }), "<b> 3 / 2"],
  ])("%#", (condition, text) => {
    expect(zh(condition)).toBe(text);
    expect(en(condition)).not.toMatch(/undefined|null|NaN|[\u4e00-\u9fff]/);
  });
});
