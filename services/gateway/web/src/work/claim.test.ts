import { describe, expect, it } from "vitest";
import { claimOf } from "./claim";

const CLOSED = "2026-06-29T10:00:00+08:00";
const page = (amount: number | null, at: string, status = "active") =>
  ({
    customer: { customer_id: "c1", status },
    arrears: amount === null ? null : { at, event_id: "e", amount_fen: amount },
  }) as never;

describe("what a manager says beside what BOSS proves", () => {
  it.each([
    ["paid", page(null, CLOSED), "awaiting"],
    ["paid", page(0, "2026-06-28T10:00:00+08:00"), "confirmed"],
    ["paid", page(128650, "2026-06-28T10:00:00+08:00"), "awaiting"],
    ["paid", page(128650, "2026-06-30T10:00:00+08:00"), "contradicted"],
    ["promised", page(128650, "2026-06-30T10:00:00+08:00"), "awaiting"],
    ["promised", page(0, "2026-06-30T10:00:00+08:00"), "confirmed"],
    ["retained", page(null, CLOSED), "awaiting"],
    ["retained", page(null, CLOSED, "left"), "contradicted"],
    ["lost", page(null, CLOSED, "left"), "confirmed"],
    ["lost", page(null, CLOSED), "awaiting"],
    ["cleared", undefined, "confirmed"],
    ["paid", undefined, "awaiting"],
    ["false_alarm", page(1, CLOSED), undefined],
    [null, undefined, undefined],
  ])("%s", (outcome, facts, standing) => expect(claimOf(outcome, CLOSED, facts)?.standing).toBe(standing));

  it("says what is still owed", () =>
    expect(claimOf("paid", CLOSED, page(128650, "2026-06-30T10:00:00+08:00"))?.owes).toBe(128650));
});
