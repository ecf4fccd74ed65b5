import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { AsOfFigures, UpToFile } from "./Arrivals";

describe("how far files have come", () => {
  it("is said of the kinds that a block is of, with the one that is missing", () => {
    const files = [
      { kind: "BILL", business_date: "2026-06-29", expected: "2026-06-30" },
      { kind: "PAY", business_date: "2026-06-30", expected: "2026-06-30" },
      { kind: "COMP", business_date: "2026-06-28", expected: "2026-06-30" },
    ];
    render(<UpToFile files={files} kinds={["BILL", "PAY"]} />);
    expect(screen.getByText("账单截至 06-29 文件 · 06-30 未到")).toBeTruthy();
    expect(screen.getByText("缴费截至 06-30 文件")).toBeTruthy();
    expect(screen.queryByText(/投诉/)).toBeNull();
  });

  it("is not known where the feeds do not answer", () => {
    render(<UpToFile files={null} kinds={["BILL"]} />);
    expect(screen.getByText("数据到达情况没读到")).toBeTruthy();
  });

  it("names cities whose files are missing in a figure, and its moment", () => {
    const missing = ["320100", "320200", "320300"].map(city => ({
      kind: "BILL",
      city,
      business_date: "2026-06-29",
      expected: "2026-06-30",
    }));
    const of = { as_of: "2026-06-30T01:42:05+00:00", seconds_behind: 0, missing };
    render(<AsOfFigures of={of} kinds={["BILL", "PAY"]} />);
    expect(screen.getByText("截至 09:42:05")).toBeTruthy();
    expect(screen.getByText("账单文件未到：南京市、无锡市等 3 个地市")).toBeTruthy();
    expect(screen.queryByText(/缴费/)).toBeNull();
  });
});
