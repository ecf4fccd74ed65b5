import { describe, expect, it } from "vitest";
import { type Draft, draftOf, showingOf, withRight, withShowing } from "./rights";

const draft: Draft = {
  name_zh: "经理",
  name_en: "Manager",
  rights: { alerts: ["see"] },
  clear: [],
  reveals: ["phone"],
};

describe("rights of a role", () => {
  it("who may change or export sees", () => {
    expect(withRight(draft, "work", "export", true).rights.work).toEqual(["see", "export"]);
  });

  it("who does not see may do nothing", () => {
    const may = withRight(draft, "alerts", "change", true);
    expect(may.rights.alerts).toEqual(["see", "change"]);
    expect(withRight(may, "alerts", "see", false).rights.alerts).toEqual([]);
    expect(withRight(may, "alerts", "change", false).rights.alerts).toEqual(["see"]);
  });

  it("shows a class of fields in one way at a time", () => {
    expect(showingOf(draft, "phone")).toBe("reveal");
    const clear = withShowing(draft, "phone", "clear");
    expect([clear.clear, clear.reveals]).toEqual([["phone"], []]);
    expect(showingOf(withShowing(clear, "phone", "masked"), "phone")).toBe("masked");
  });

  it("edits a copy", () => {
    const view = { ...draft, rights: { alerts: ["see" as const] } };
    const copy = draftOf(view);
    withRight(copy, "alerts", "change", true);
    expect(view.rights.alerts).toEqual(["see"]);
    expect(copy).toEqual(view);
  });
});
