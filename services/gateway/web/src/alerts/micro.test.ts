import { describe, expect, it } from "vitest";
import { microOf } from "./micro";

const NOW = Date.parse("2026-06-30T10:00:00+08:00");
const alert = (kind: string, values: object, more: object = {}) =>
  microOf(
    { kind, rule: { id: "r", version: 1 }, values: { ...values }, raised_at: "2026-06-30T00:00:00Z", ...more },
    NOW,
  );
/** Where the dot stands, as a share of the axis. */
const dot = (micro: ReturnType<typeof microOf>) => (micro && "share" in micro ? micro.share : undefined);

describe("the small chart of a card", () => {
  it("shows a fall from the mean of the months before, with the band of what is normal", () => {
    expect(alert("churn_warning", { amount_fen: 312000, amount_fen_base: 1495800 })).toEqual({
      points: [498600, 498600, 498600, 312000],
      band: [349020, 498600],
      line: 349020,
    });
    expect(alert("churn_warning", { voice_minutes: 10, voice_minutes_base: 300 })).toMatchObject({ line: 70 });
  });

  it("shows a debt by its age along the steps of dunning", () => {
    const debt = alert("arrears", { amount_fen: 1, oldest_due_on: "2026-05-01" });
    expect(dot(debt)).toBeCloseTo(60 / 120, 2);
    expect(debt).toMatchObject({ ticks: [0.25, 0.5, 0.75] });
    expect(dot(alert("arrears", { days_overdue: 12 }))).toBe(0.1);
  });

  it("shows a complaint by the time that it has used, a contract by the days that it has left", () => {
    const times = { raised_at: "2026-06-30T00:00:00+08:00", due_at: "2026-06-30T20:00:00+08:00" };
    expect(dot(alert("complaint_opened", {}, times))).toBeCloseTo(0.5, 2);
    expect(dot(alert("contract_expiring", { ends_on: "2026-07-30" }))).toBeCloseTo(2 / 3, 2);
  });

  it("draws nothing where nothing is known", () => {
    for (const kind of ["churn_warning", "arrears", "complaint_opened", "contract_expiring", "new_kind"]) {
      expect(alert(kind, { amount_fen: "much", ends_on: 7, oldest_due_on: "never" })).toBeUndefined();
    }
  });
});
