import { describe, expect, it } from "vitest";
import { asText, lineOf, readText } from "./yaml";

const rule = {
  id: "silent",
  on: ["USAGE"],
  when: {
    all: [
      { figure: "usage.active_days", op: "<=", value: 3 },
      { figure: "customer.city", op: "=", value: "330100" },
    ],
  },
};

describe("a document as text", () => {
  it("comes back as it was", () => {
    expect(readText(asText(rule))).toEqual({ document: rule, faults: [] });
    expect(readText(JSON.stringify(rule)).document).toEqual(rule);
  });

  it("says on which line a place stands", () => {
    const text = asText(rule);
    const lineWith = (words: string): number => text.split("\n").findIndex(line => line.includes(words)) + 1;
    expect(lineOf(text, "when.all[1].value")).toBe(lineWith("330100"));
    expect(lineOf(text, "when.all[0].months")).toBe(lineWith("usage.active_days"));
    expect(lineOf(text, "nowhere")).toBe(1);
  });

  it.each([
    ["a: 1\na: 2", "第 2 行"],
    ["a: [1", "不是正确的 YAML"],
    ["- 1", "字段"],
    ["", "字段"],
    ["a: &x [1]\nb: *x", "别名"],
  ])("%#: says what is wrong with %j", (text, zh) => {
    const { document, faults } = readText(text);
    expect(document).toBeUndefined();
    expect(faults[0]?.zh).toContain(zh);
    expect(faults[0]?.en).not.toMatch(/[\u4e00-\u9fff]/);
  });

  it("reads on, yes and = as words", () => {
    expect(readText("on: yes\nop: =\nshare: 0.5").document).toEqual({ on: "yes", op: "=", share: 0.5 });
  });
});
