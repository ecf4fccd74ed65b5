import { describe, expect, it } from "vitest";
import { type Job, mayExport, wireFilter } from "./api";
import { percentOf } from "./JobRow";
import { ended } from "./useJobs";

const job = (id: string, state: Job["state"]): Job => ({
  id,
  kind: "export",
  list: "alerts",
  format: "csv",
  filter: {},
  state,
  done: 0,
  total: 0,
  created_at: "",
  finished_at: null,
  until: "",
  as_of: null,
  size: null,
  failure: null,
});

describe("exports", () => {
  it("ask by what the list was asked by", () => {
    expect(
      wireFilter({ kind: ["arrears", "churn_warning"], unit: [], open: true, city: "", due: null, sort: "-due" }),
    ).toEqual({
      kind: "arrears,churn_warning",
      open: "true",
    });
  });

  it("are told once, when they end", () => {
    const before = [job("a", "running"), job("b", "queued"), job("c", "done")];
    const now = [job("a", "done"), job("b", "running"), job("c", "done"), job("d", "failed")];
    expect(ended(before, now).map(({ id }) => id)).toEqual(["a"]);
    expect(ended(undefined, now)).toEqual([]);
  });

  it("are never full before they are done", () => {
    expect(percentOf({ state: "running", done: 37, total: 37 })).toBe(99);
    expect(percentOf({ state: "queued", done: 0, total: 0 })).toBe(0);
    expect(percentOf({ state: "done", done: 0, total: 0 })).toBe(100);
  });

  it("have a button only for who may", () => {
    expect(mayExport("head", "customers")).toBe(true);
    expect(mayExport("analyst", "customers")).toBe(false);
    expect(mayExport("manager", "alerts")).toBe(false);
  });
});
