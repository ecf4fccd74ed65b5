import { describe, expect, it } from "vitest";
import { parseFilter } from "@/habits/filters";
import { type AlertRow, countedOf, dueGroup, FIELDS, matches, queryOf } from "./fields";

const NOW = Date.parse("2026-06-30T09:42:05+08:00"); // a Tuesday
const filterOf = (search: string) => parseFilter(FIELDS, search).filter;
const row = {
  alert_id: "a1",
  kind: "arrears",
  severity: "major",
  state: "raised",
  stage: "reminder",
  city: "410100",
  unit_id: "u1",
  manager_id: "m1",
  customer_id: "c1",
  rule: { id: "arrears", version: 1 },
  outcome: null,
  period: null,
  escalated: false,
  due_at: "2026-06-30T18:00:00+08:00",
  raised_at: "2026-06-30T01:00:00+00:00",
} as unknown as AlertRow;
const fits = (search: string, change: object = {}) =>
  matches(filterOf(search), { ...row, ...change }, NOW, unit => unit === "u11");

describe("the filter of alerts", () => {
  it("shows what is open when the address is bare", () => {
    expect(queryOf(filterOf(""))).toMatchObject({ open: true, state: undefined });
    expect(queryOf(filterOf("?state="))).toMatchObject({ open: undefined, state: undefined });
    expect(queryOf(filterOf("?state=resolved"))).toMatchObject({ open: undefined, state: "resolved" });
  });

  it("passes wire values on, and customers whom a text means", () => {
    expect(queryOf(filterOf("?kind=arrears,churn_warning&escalated=1"), ["c1", "c2"])).toMatchObject({
      kind: "arrears,churn_warning",
      escalated: true,
      customer: "c1,c2",
    });
  });

  it("counts over all that is open, whatever state is shown", () =>
    expect(countedOf(filterOf("?state=resolved&kind=arrears"))).toMatchObject({
      open: true,
      state: undefined,
      kind: "arrears",
    }));

  it.each([
    ["", {}, true],
    ["", { state: "resolved" }, false],
    ["?state=resolved", { state: "resolved" }, true],
    ["?kind=churn_warning", {}, false],
    ["?severity=major,critical", {}, true],
    ["?city=none", { city: null }, true],
    ["?city=410300", {}, false],
    ["?unit=u2", {}, false],
    ["?unit=u2", { unit_id: "u11" }, true],
    ["?due=today", {}, true],
    ["?due=overdue,later", {}, false],
    ["?escalated=1", {}, false],
    ["?suppressed=1", {}, false],
    ["?suppressed=1", { suppressed: { reason: "割接", until: "2026-06-30T22:00:00Z" } }, true],
    ["?since=2026-06-30T02:00:00Z", {}, false],
  ])("%s %o", (search, change, is) => expect(fits(search, change)).toBe(is));
});

describe("groups by due time", () => {
  it.each([
    ["2026-06-30T09:42:00+08:00", "overdue"],
    ["2026-06-30T23:59:59+08:00", "today"],
    ["2026-07-01T00:00:00+08:00", "tomorrow"],
    ["2026-07-02T00:00:00+08:00", "week"],
    ["2026-07-05T23:59:59+08:00", "week"],
    ["2026-07-06T00:00:00+08:00", "later"],
    [null, "none"],
  ])("%s", (at, group) => expect(dueGroup(at, NOW)).toBe(group));

  it("has no rest of the week on a Sunday", () =>
    expect(dueGroup("2026-07-07T10:00:00+08:00", Date.parse("2026-07-05T10:00:00+08:00"))).toBe("later"));
});
