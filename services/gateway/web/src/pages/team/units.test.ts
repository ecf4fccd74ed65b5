import { describe, expect, it } from "vitest";
import { found, treeOf, type Unit, type UnitNode } from "./units";

const unit = (unit_id: string, parent_id: string | null = null, name = unit_id): Unit => ({
  unit_id,
  parent_id,
  name,
  city: null,
  mine: true,
  customers: 0,
  open: 0,
  overdue: 0,
  unattended: 0,
  unclaimed: 0,
});
const names = (nodes: readonly UnitNode[]): unknown[] =>
  nodes.map(({ key, children }) => (children.length ? [key, names(children)] : key));

describe("the tree of units", () => {
  it("has those on top whose parent is not seen", () =>
    expect(names(treeOf([unit("a", "x"), unit("b", "a"), unit("c", "a"), unit("d")]))).toEqual([
      ["a", ["b", "c"]],
      "d",
    ]));

  it("shows every unit of a ring", () => {
    const all = treeOf([unit("a", "b"), unit("b", "a"), unit("c", "c"), unit("d", "a")]);
    const flat = (nodes: readonly UnitNode[]): string[] =>
      nodes.flatMap(({ key, children }) => [key, ...flat(children)]);
    expect(flat(all).sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("is searched with what is above", () => {
    const all = treeOf([unit("a", null, "甲市"), unit("b", "a", "市区一部"), unit("c", "a", "市区二部")]);
    expect(names(found(all, "一部"))).toEqual([["a", ["b"]]]);
    expect(names(found(all, "甲"))).toEqual([["a", ["b", "c"]]]);
    expect(names(found(all, ""))).toEqual([["a", ["b", "c"]]]);
    expect(found(all, "<script>")).toEqual([]);
  });
});
