import { expect, it } from "vitest";
import {
  compared,
  comparisonsOf,
  depthOf,
  type Figure,
  kindOf,
  type Leaf,
  leafText,
  leavesOf,
  levelOf,
  ofFigure,
  recordsOf,
  treeText,
  withGroup,
  withNode,
  withNot,
  withoutNode,
} from "./condition";

const figure = (name: string, more: Partial<Figure> = {}): Figure => ({
  name,
  family: name.split(".")[0] as string,
  record: "USAGE",
  type: "int",
  unit: "none",
  unit_zh: "",
  unit_en: "",
  zh: name,
  en: name,
  meaning_zh: "",
  meaning_en: "",
  monthly: false,
  ops: ["<", "<=", "=", "!=", ">=", ">", "in", "known"],
  least: 0,
  most: null,
  values: [],
  ...more,
});
const days = figure("usage.active_days", {
  zh: "活跃天数",
  en: "active days",
  unit: "days",
  unit_zh: "天",
  monthly: true,
});
const bill = figure("bill.amount_fen", { zh: "账单金额", en: "bill", unit: "fen", record: "BILL", monthly: true });
const status = figure("customer.status", {
  zh: "客户状态",
  en: "status",
  type: "str",
  record: "CUST",
  ops: ["=", "!=", "in", "known"],
  values: [{ code: "active", zh: "正常", en: "active" }],
});
const figures = [days, bill, status];

const silent = {
  on: ["USAGE"],
  when: {
    all: [
      { figure: "usage.active_days", op: "<=", value: 3 },
      {
        any: [
          { figure: "bill.amount_fen", falls_percent: 50, months: 3 },
          { not: { figure: "customer.status", op: "known" } },
        ],
      },
    ],
  },
};

it("knows what stands where", () => {
  expect([silent.when, silent.when.all[0], { not: 1 }, { all: [], any: [] }, 7, null].map(kindOf)).toEqual([
    "all",
    "leaf",
    "not",
    "other",
    "other",
    "other",
  ]);
  expect([depthOf(silent.when), leavesOf(silent.when).length]).toEqual([4, 3]);
  expect(["when", "when.all[1]", "when.all[1].any[1].not"].map(levelOf)).toEqual([1, 2, 4]);
  expect(recordsOf(silent.when, figures)).toEqual(["BILL", "CUST", "USAGE"]);
});

it("adds, turns, negates, takes out", () => {
  expect(leavesOf(withNode(silent, "when.all", "leaf").when)).toHaveLength(4);
  expect(withNode(silent, "when.all", "any").when.all[2]).toEqual({
    any: [{ figure: "", op: "<=", value: undefined }],
  });
  expect(Object.keys(withGroup(silent, "when", "any").when)).toEqual(["any"]);
  const negated = withNot(silent, "when.all[0]");
  expect(negated.when.all[0]).toEqual({ not: silent.when.all[0] });
  expect(withNot(negated, "when.all[0]")).toEqual(silent);
  expect(withoutNode(silent, "when.all[0]").when.all).toHaveLength(1);
  expect(withoutNode(silent, "when.all[1].any[1].not").when.all[1]).toEqual({
    any: [{ figure: "bill.amount_fen", falls_percent: 50, months: 3 }],
  });
});

it("turns a comparison into another and keeps what still makes sense", () => {
  const leaf: Leaf = { figure: "usage.active_days", op: "<=", value: 3, for_months: 2 };
  expect(compared(leaf, ">")).toEqual({ ...leaf, op: ">" });
  expect(compared(leaf, "in")).toEqual({ ...leaf, op: "in", value: [3] });
  expect(compared(compared(leaf, "in"), "=")).toEqual({ ...leaf, op: "=" });
  expect(compared(leaf, "falls")).toEqual({ figure: leaf.figure, falls_percent: 30, months: 3 });
  expect(compared({ figure: "x", falls_percent: 50, months: 6 }, "rises")).toEqual({
    figure: "x",
    rises_percent: 50,
    months: 6,
  });
  expect(compared(leaf, "known")).toEqual({ figure: leaf.figure, op: "known" });
  expect(comparisonsOf(days)).toContain("falls");
  expect(comparisonsOf(status)).not.toContain("falls");
});

it("asks of another figure only what can be asked of it", () => {
  expect(ofFigure({ figure: days.name, op: "<=", value: 3, for_months: 2 }, status, days)).toEqual({
    figure: status.name,
    op: "=",
    value: undefined,
  });
  expect(ofFigure({ figure: days.name, falls_percent: 50, months: 3 }, bill, days)).toEqual({
    figure: bill.name,
    falls_percent: 50,
    months: 3,
  });
  // 3 days are not 3 fen
  expect(ofFigure({ figure: days.name, op: "<=", value: 3 }, bill, days).value).toBeUndefined();
});

it("tells a leaf and a tree in both languages", () => {
  expect(leafText({ figure: days.name, op: "<=", value: 3, for_months: 2 }, figures, "zh")).toBe(
    "活跃天数 ≤ 3 天，连续 2 个月",
  );
  expect(leafText({ figure: bill.name, op: ">", value: 123456 }, figures, "en")).toBe("bill > ¥1234.56");
  expect(leafText({ figure: status.name, op: "in", value: ["active"] }, figures, "zh")).toBe("客户状态属于：正常");
  expect(treeText(silent.when, figures, "zh")).toBe(
    "活跃天数 ≤ 3 天，且 （账单金额较前 3 个月均值下降 50% 或更多 或 并非（客户状态有数据））",
  );
  expect(treeText(silent.when, figures, "en")).not.toMatch(/[\u4e00-\u9fff]/);
  expect(leafText({ figure: "new.figure", op: "??" }, figures, "zh")).toBe("new.figure ?? …");
  expect(treeText({ what: 1 }, figures, "zh")).toBe("…");
});
