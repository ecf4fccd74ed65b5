import { describe, expect, it } from "vitest";
import { type Fields, filterQuery, parseFilter, rememberedPath, rememberQuery } from "./filters";
import { setOwner } from "./owner";

const FIELDS = {
  kind: { kind: "many", values: ["churn_warning", "arrears"] },
  state: { kind: "many", first: "raised,acknowledged" },
  city: { kind: "many" },
  sort: { kind: "one", first: "due" },
} as const satisfies Fields;

describe("a filter in the address", () => {
  it("is the default when the address says nothing", () => {
    expect(parseFilter(FIELDS, "")).toEqual({
      filter: { kind: [], state: ["raised", "acknowledged"], city: [], sort: "due" },
      unknown: [],
    });
    expect(filterQuery(FIELDS, parseFilter(FIELDS, "").filter)).toBe("");
  });

  it("comes back from its own address", () => {
    const filter = { kind: ["arrears", "churn_warning"], state: ["resolved"], city: ["320100"], sort: "-raised_at" };
    const address = filterQuery(FIELDS, filter);
    expect(address).toBe("?kind=arrears,churn_warning&state=resolved&city=320100&sort=-raised_at");
    expect(parseFilter(FIELDS, address)).toEqual({ filter, unknown: [] });
  });

  it("keeps the item that is open", () => {
    expect(filterQuery(FIELDS, parseFilter(FIELDS, "").filter, "?item=A-1&kind=arrears")).toBe("?item=A-1");
  });

  it("names what nobody knows, and goes on without it", () => {
    const { filter, unknown } = parseFilter(FIELDS, "?kind=arrears,<b>,arrears&colour=red&item=1");
    expect(filter.kind).toEqual(["arrears"]);
    expect(unknown).toEqual(["colour", "kind=<b>"]);
  });

  it.each(["?kind=%E0%A4%A", "?=&&&", "?sort=", `?city=${"9".repeat(10_000)}`, "?__proto__=1&constructor=2"])(
    "is one, whatever the address: %s",
    search => {
      expect(parseFilter(FIELDS, search).filter).toMatchObject({ kind: [], sort: "due" });
    },
  );

  it("returns the next day to whose it was, without the item that was open", () => {
    expect(rememberedPath("/alerts")).toBe("/alerts");
    rememberQuery("/alerts", "?kind=arrears,churn_warning&item=A-1&tab=x");
    expect(rememberedPath("/alerts")).toBe("/alerts?kind=arrears,churn_warning");
    setOwner("M2");
    expect(rememberedPath("/alerts")).toBe("/alerts");
    setOwner(undefined);
    rememberQuery("/alerts", "");
    expect(rememberedPath("/alerts")).toBe("/alerts");
  });
});
