import { describe, expect, it } from "vitest";
import { type Day, dayAfter, dayOfFile, gridOf, problems, stemOf } from "./grid";

const file = (kind: string, city: string, result: string, more: object = {}): Day["files"][number] =>
  ({ file: `${kind}_${city}_20260630_0001.dat.gz`, kind, city, result, sequence: 1, late: false, ...more }) as never;

const day = (files: Day["files"], missing: Day["missing"] = []): Day => ({
  date: "2026-06-30",
  kinds: ["UNIT", "CUST", "BILL"],
  files,
  missing,
  as_of: "2026-06-30T00:00:00Z",
});

describe("the grid of a day", () => {
  it("counts what was expected, what came and what did not", () => {
    const grid = gridOf(
      day(
        [file("BILL", "410100", "partial"), file("BILL", "410300", "rejected"), file("CUST", "410100", "accepted")],
        [{ kind: "CUST", city: "410300" }],
      ),
    );
    expect([grid.expected, grid.came, grid.rejected, grid.missing]).toEqual([4, 3, 1, 1]);
    const half = gridOf(day([file("BILL", "410100", "waiting")]));
    expect([half.expected, half.came, half.missing]).toEqual([1, 0, 1]);
    expect(grid.kinds).toEqual(["CUST", "BILL"]);
    expect(grid.cities).toEqual(["410100", "410300"]);
  });

  it("shows the last of several files of a cell, and says that there are more", () => {
    const grid = gridOf(
      day([file("BILL", "410100", "accepted", { sequence: 2 }), file("BILL", "410100", "rejected", { sequence: 1 })]),
    );
    expect(grid.cells.get("410100/BILL")).toMatchObject({ state: "accepted", others: 1 });
    expect(grid.expected).toBe(1);
  });

  it("puts the worst first and leaves out what is well", () => {
    const grid = gridOf(
      day(
        [
          file("BILL", "410100", "partial", { rejected: 2 }),
          file("BILL", "410200", "partial", { rejected: 9 }),
          file("CUST", "410100", "accepted"),
          file("CUST", "410200", "accepted", { late: true }),
          file("UNIT", "410100", "rejected"),
        ],
        [{ kind: "UNIT", city: "410200" }],
      ),
    );
    expect(problems(grid).map(cell => `${cell.city} ${cell.kind}`)).toEqual([
      "410100 UNIT",
      "410200 UNIT",
      "410200 BILL",
      "410100 BILL",
      "410200 CUST",
    ]);
  });
});

it("days and names", () => {
  expect(dayAfter("2026-06-30", 1)).toBe("2026-07-01");
  expect(dayAfter("2026-01-01", -1)).toBe("2025-12-31");
  expect(stemOf("BILL_410100_20260630_0001.dat.gz")).toBe("BILL_410100_20260630_0001");
  expect(dayOfFile("BILL_410100_20260630_0001")).toBe("2026-06-30");
  expect(dayOfFile("nonsense")).toBeUndefined();
});
