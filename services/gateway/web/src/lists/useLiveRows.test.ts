import { describe, expect, it } from "vitest";
import { toldOf } from "./useLiveRows";

const message = (event: string, data: unknown) => ({ id: "", event, data });
const alert = (id: string, customer: string) => message("alerts", { alert_id: id, customer_id: customer });

describe("live messages of a list", () => {
  it("are its rows in their order", () => {
    const { rows, gone } = toldOf(
      [alert("a1", "c1"), message("work", { customer_id: "c1" }), alert("a2", "c2")],
      "alerts",
    );
    expect(rows).toEqual([
      { alert_id: "a1", customer_id: "c1" },
      { alert_id: "a2", customer_id: "c2" },
    ]);
    expect(gone.size).toBe(0);
  });

  it("take along what was told before a customer left, and keep what is told behind", () => {
    const { rows, gone } = toldOf(
      [alert("a1", "c1"), alert("a2", "c2"), message("gone", { customer_id: "c1" }), alert("a3", "c1")],
      "alerts",
    );
    expect(rows).toEqual([
      { alert_id: "a2", customer_id: "c2" },
      { alert_id: "a3", customer_id: "c1" },
    ]);
    expect([...gone]).toEqual(["c1"]);
  });
});
