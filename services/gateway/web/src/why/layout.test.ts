import { describe, expect, it } from "vitest";
import { type ChainLink, layout, pageOf, periodsOf, sortOf, walk, wholeTime } from "./layout";

function link(id: string, cause: string | null, second = 0, detail: Record<string, unknown> = {}): ChainLink {
  const at = `2026-06-30T02:00:0${second}.000Z`;
  return {
    id,
    type: "kam.alert.raised.v1",
    at,
    service: "alerts",
    caused_by: cause,
    summary_zh: id,
    summary_en: id,
    detail,
  };
}

const chain = [
  link("record", null),
  link("bill", "record", 1),
  link("alert", "bill", 2),
  link("work", "alert", 3),
  link("sms", "alert", 3),
  link("call", "work", 5),
  link("sent", "sms", 4),
];

describe("a chain as a picture", () => {
  it("stands behind its cause; what branches off opens a row", () => {
    expect(layout(chain).map(({ link: { id }, column, row }) => [id, column, row])).toEqual([
      ["record", 0, 0],
      ["bill", 1, 0],
      ["alert", 2, 0],
      ["work", 3, 0],
      ["sms", 3, 1],
      ["call", 4, 0],
      ["sent", 4, 1],
    ]);
  });

  it("says how long each step took, and all of it", () => {
    expect(layout(chain).map(({ after }) => after)).toEqual([undefined, 1000, 1000, 1000, 1000, 2000, 1000]);
    expect(wholeTime(chain)).toBe(5000);
    expect(wholeTime([{ ...link("earlier", null), at: "" }, link("a", null)])).toBeUndefined();
  });

  it("begins anew where a cause is out of sight, comes later or is itself", () => {
    const odd = [link("a", "gone"), link("b", "b"), link("c", "d"), link("d", null)];
    expect(layout(odd).map(({ column, row }) => [column, row])).toEqual([
      [0, 0],
      [0, 1],
      [0, 2],
      [0, 3],
    ]);
  });

  it.each([
    ["alert", "ArrowLeft", "bill"],
    ["record", "ArrowLeft", "record"],
    ["alert", "ArrowRight", "work"],
    ["sent", "ArrowRight", "sent"],
    ["work", "ArrowDown", "sms"],
    ["record", "ArrowUp", "record"],
    ["sent", "ArrowDown", "sent"],
    [undefined, "ArrowRight", "record"],
  ])("from %s %s leads to %s", (from, key, to) => {
    expect(walk(layout(chain), from, key)).toBe(to);
  });

  describe("with evidence", () => {
    const record = (id: string): ChainLink => ({ ...link(`line of ${id}`, null), type: "boss.record" });
    const bill = (period: string): ChainLink[] => [
      record(period),
      { ...link(period, `line of ${period}`, 0, { period }), type: "kam.boss.bill.issued.v1" },
    ];
    const usage = { ...link("usage", "line of usage"), type: "kam.boss.usage.summarised.v1" };
    const whole = [
      ...bill("202512"),
      ...bill("202601"),
      record("usage"),
      usage,
      ...bill("202602"),
      link("alert", "202602", 1, { evidence: ["202602", "202601", "202512", "usage"] }),
      link("work", "alert", 2),
    ];
    const group = "kam.boss.bill.issued.v1/alert";

    it("shows what led to the alert first and folds the evidence of one kind", () => {
      const placed = layout(whole);
      expect(placed.map(({ link: { id }, column, row }) => [id, column, row])).toEqual([
        ["line of 202602", 0, 0],
        ["202602", 1, 0],
        ["alert", 2, 0],
        ["work", 3, 0],
        [group, 1, 1],
        ["line of usage", 0, 2],
        ["usage", 1, 2],
      ]);
      expect(placed.filter(each => each.evidenceOf).map(each => each.link.id)).toEqual([group, "usage"]);
      expect(walk(placed, group, "ArrowRight")).toBe("alert");
    });

    it("unfolds a group below its head", () => {
      const ids = layout(whole, name => name === group).map(each => each.link.id);
      expect(ids.slice(4, 9)).toEqual([group, "line of 202512", "202512", "line of 202601", "202601"]);
    });

    it("says the months of a group", () => {
      const months = (...periods: string[]): (string | undefined)[] => {
        const members = periods.map(each => bill(each)[1] as ChainLink);
        return [periodsOf(members, "zh"), periodsOf(members, "en")];
      };
      expect(months("202605", "202601", "202603")).toEqual(["2026年1月…5月", "Jan…May 2026"]);
      expect(months("202602", "202512")).toEqual(["2025年12月…2026年2月", "Dec 2025…Feb 2026"]);
      expect(months("202602")).toEqual(["2026年2月", "Feb 2026"]);
      expect(periodsOf([usage], "zh")).toBeUndefined();
    });
  });

  it("knows sorts of facts and the pages of what they are about", () => {
    expect([sortOf("kam.sms.sent.v1"), sortOf("boss.record"), sortOf("lineage.cut")]).toEqual(["sms", "boss", "other"]);
    expect(pageOf(link("a", null, 0, { alert_id: "A/1", customer_id: "C" }))).toBe("/alerts/A%2F1");
    expect(pageOf(link("a", null, 0, { customer_id: "C" }))).toBe("/customers/C");
    expect(pageOf(link("a", null))).toBeUndefined();
  });
});
