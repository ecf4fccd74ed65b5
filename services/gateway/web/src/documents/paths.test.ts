import { expect, it } from "vitest";
import { at, joined, stepsOf, withAt, withEntry, withMoved } from "./paths";

const rule = { id: "x", when: { all: [{ figure: "a", value: 1 }, { not: { figure: "b" } }] }, on: ["USAGE"] };

it("reads places as the server names them", () => {
  expect(stepsOf("when.all[1].not.figure")).toEqual(["when", "all", 1, "not", "figure"]);
  expect(at(rule, "when.all[1].not.figure")).toBe("b");
  expect(at(rule, "when.any[0].figure")).toBeUndefined();
  expect(at(rule, "on[0].x.y")).toBeUndefined();
  expect(at(rule, "")).toBe(rule);
  expect([joined("", "when"), joined("when", "all"), joined("when.all", 2)]).toEqual([
    "when",
    "when.all",
    "when.all[2]",
  ]);
});

it("changes one place and leaves what it was given alone", () => {
  const before = JSON.stringify(rule);
  const next = withAt(rule, "when.all[0].value", 5);
  expect(at(next, "when.all[0].value")).toBe(5);
  expect(next.when.all[1]).toBe(rule.when.all[1]);
  expect(Object.keys(next)).toEqual(["id", "when", "on"]);
  expect(JSON.stringify(rule)).toBe(before);
});

it("takes out, puts in, moves", () => {
  expect(withAt(rule, "when.all[0]", undefined).when.all).toEqual([{ not: { figure: "b" } }]);
  expect(withAt(rule, "on", undefined)).not.toHaveProperty("on");
  expect(withEntry(rule, "on", "BILL").on).toEqual(["USAGE", "BILL"]);
  expect(withEntry(rule, "when.all", { figure: "c" }, 1).when.all[1]).toEqual({ figure: "c" });
  expect(withEntry({}, "stages", 1)).toEqual({ stages: [1] });
  expect(withMoved(rule, "when.all", 0, 1).when.all[1]).toEqual({ figure: "a", value: 1 });
  expect(withMoved(rule, "when.all", 0, -1)).toBe(rule);
  expect(withMoved(rule, "when.all", 1, 1)).toBe(rule);
});
