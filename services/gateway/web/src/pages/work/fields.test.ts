import { describe, expect, it } from "vitest";
import { parseFilter } from "@/habits/filters";
import { FIELDS, FIELDS_OF_OTHERS, groupsOf, matches, queryOf, type WorkRow } from "./fields";

const NOW = Date.parse("2026-06-30T09:42:05+08:00");
const filterOf = (search: string) => parseFilter(FIELDS, search).filter;
const row = (id: string, due: string, change: object = {}) =>
  ({
    work_id: id,
    kind: "dunning",
    state: "new",
    holder_id: "m1",
    city: "410100",
    unit_id: "u1",
    manager_id: "m1",
    customer_id: "c1",
    outcome: null,
    due_at: due,
    ...change,
  }) as unknown as WorkRow;
const DUE = "2026-06-30T18:00:00+08:00";

describe("the filter of work", () => {
  it("is mine and open when the address is bare", () =>
    expect(queryOf(filterOf(""), "m1")).toMatchObject({ holder: "m1", open: true }));

  it("is everything in sight for who has none of their own", () => {
    expect(queryOf(parseFilter(FIELDS_OF_OTHERS, "").filter as never, null)).toMatchObject({ holder: undefined });
    expect(queryOf(filterOf("?whose=unclaimed"), "m1")).toMatchObject({ holder: "none" });
  });

  it.each([
    ["", {}, true],
    ["", { holder_id: "m2" }, false],
    ["?whose=all", { holder_id: "m2" }, true],
    ["?whose=unit&holder=m2", { holder_id: "m2" }, true],
    ["?whose=unit&holder=m2", { holder_id: "m1" }, false],
    ["?whose=unit", { holder_id: "m2" }, true],
    ["?whose=unclaimed", { holder_id: null }, true],
    ["?whose=unclaimed", {}, false],
    ["", { state: "closed" }, false],
    ["?state=closed", { state: "closed" }, true],
    ["?type=renewal", {}, false],
    ["?due=today", {}, true],
    ["?due=later", {}, false],
  ])("%s %o", (search, change, is) => expect(matches(filterOf(search), "m1", row("w1", DUE, change), NOW)).toBe(is));
});

it("groups by due time in order, closed ones at the end", () => {
  const rows = [
    row("later", "2026-07-20T10:00:00+08:00"),
    row("closed", "2026-06-01T10:00:00+08:00", { state: "closed" }),
    row("over", "2026-06-30T09:00:00+08:00"),
    row("today", DUE),
    row("over2", "2026-06-29T09:00:00+08:00"),
  ];
  expect(groupsOf(rows, NOW).map(({ name, rows: own }) => [name, own.map(each => each.work_id)])).toEqual([
    ["overdue", ["over", "over2"]],
    ["today", ["today"]],
    ["later", ["later"]],
    ["closed", ["closed"]],
  ]);
});

it("leaves a row where it stands, whatever is done to it", () => {
  const placed = new Map();
  const [first, second] = [row("w1", DUE), row("w2", DUE)];
  groupsOf([first, second], NOW, placed);
  const closed = { ...first, state: "closed" as const };
  expect(groupsOf([closed, second], NOW, placed)).toEqual([{ name: "today", rows: [closed, second] }]);
  expect(groupsOf([closed, second], NOW).map(({ name }) => name)).toEqual(["today", "closed"]);
});
