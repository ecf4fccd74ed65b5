import { describe, expect, it } from "vitest";
import { baselineOf, monthsOf, tableOf } from "./chart";

const bills = [
  { period: "202605", amount_fen: 500000 },
  { period: "202606", amount_fen: 312000 },
  { period: "202603", amount_fen: 498000 },
  { period: "202602", amount_fen: null },
  { period: 7 },
];

describe("the figures of an alert", () => {
  it("are the months up to its own, in order, with gaps where nothing is known", () =>
    expect(monthsOf(bills, "amount_fen", "202606")).toEqual([
      { period: "202603", value: 498000 },
      { period: "202604", value: null },
      { period: "202605", value: 500000 },
      { period: "202606", value: 312000 },
    ]));

  it("go over the turn of a year", () =>
    expect(monthsOf([{ period: "202512", amount_fen: 1 }], "amount_fen", "202601").map(month => month.period)).toEqual([
      "202512",
      "202601",
    ]));

  it("are none where nothing is known", () => {
    expect(monthsOf([], "amount_fen", "202606")).toEqual([]);
    expect(monthsOf(bills, "voice_minutes", "202606")).toEqual([]);
    expect(monthsOf(bills, "amount_fen", "June")).toEqual([]);
  });
});

describe("what they are measured against", () => {
  const rule = { id: "drop-30", version: 4 };
  const churn = { kind: "churn_warning", rule, values: { amount_fen: 312000, amount_fen_base: 1495800 } };

  it("is 70 to 100 percent of the mean of three months for a churn warning", () =>
    expect(baselineOf(churn, "amount_fen", [], { ...rule, percent: 70, months: 3 })).toEqual({
      band: [0.7 * 498600, 498600],
      line: 0.7 * 498600,
    }));

  it("is nothing where the alert does not say", () =>
    expect(baselineOf({ ...churn, values: {} }, "amount_fen", [])).toEqual({}));

  it("is the range of the last bills and the debt for arrears", () =>
    expect(
      baselineOf(
        { kind: "arrears", rule, values: { amount_fen: 128650 } },
        "amount_fen",
        [100, 400, 200, null, 300].map((value, n) => ({ period: `20260${n + 1}`, value })),
      ),
    ).toEqual({ band: [200, 300], line: 128650 }));

  it("stands in the table too", () =>
    expect(
      tableOf({
        months: [{ period: "202606", value: 312000 }],
        baseline: { band: [349020, 498600], line: 349020 },
        isMoney: true,
        language: "zh",
        words: { figure: "月账单", line: "规则线", normal: "正常范围", month: "月份" },
      }),
    ).toEqual({
      columns: ["月份", "月账单"],
      rows: [
        ["6月", "¥3,120.00"],
        ["正常范围", "¥3,490.20 – ¥4,986.00"],
        ["规则线", "¥3,490.20"],
      ],
    }));
});
