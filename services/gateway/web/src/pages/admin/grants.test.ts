import { describe, expect, it } from "vitest";
import { fieldsOf, grantOf, isWhole, reachOf } from "./grants";

describe("a grant in the form", () => {
  it.each([
    [{ role: "analyst", cities: [], units: [], manager_id: null, kinds: [] }, "whole"],
    [{ role: "city_head", cities: ["320100"], units: [], manager_id: null, kinds: ["arrears"] }, "cities"],
    [{ role: "head", cities: [], units: ["U1", "U2"], manager_id: null, kinds: [] }, "units"],
    [{ role: "manager", cities: [], units: [], manager_id: "M1", kinds: [] }, "own"],
  ] as const)("comes back as it was read: %o", (grant, reach) => {
    const read = { ...grant, cities: [...grant.cities], units: [...grant.units], kinds: [...grant.kinds] };
    expect(reachOf(read)).toBe(reach);
    expect(grantOf(fieldsOf(read))).toEqual(read);
  });

  it("forgets codes of a reach that is no longer chosen", () => {
    expect(grantOf({ role: "head", reach: "whole", codes: ["U1"], manager_id: "M1" })).toEqual({
      role: "head",
      cities: [],
      units: [],
      manager_id: null,
      kinds: [],
    });
  });

  it.each([
    [undefined, false],
    [{ role: "head" as const }, false],
    [{ role: "head" as const, reach: "units" as const, codes: [" "] }, false],
    [{ role: "head" as const, reach: "units" as const, codes: ["U1"] }, true],
    [{ role: "manager" as const, reach: "own" as const, manager_id: "" }, false],
    [{ role: "analyst" as const, reach: "whole" as const }, true],
  ])("is whole once its reach is said: %o %s", (grant, whole) => {
    expect(isWhole(grant)).toBe(whole);
  });
});
