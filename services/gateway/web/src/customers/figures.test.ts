import { expect, test } from "vitest";
import { agesOf, monthsOf, shareOf } from "./figures";

const bill = (period: string, amount_fen: number | null) => ({ at: "", event_id: period, period, amount_fen });

test("months without a bill are gaps, never 0, and take the mean away", () => {
  const months = monthsOf({
    bills: [
      bill("202606", 4000),
      bill("202604", 1000),
      bill("202603", 2000),
      bill("202602", 3000),
      bill("202601", 100),
    ],
    usages: [{ at: "", event_id: "u", period: "202606", voice_minutes: 120 }],
  } as never);
  expect(months.map(month => month.bill)).toEqual([100, 3000, 2000, 1000, null, 4000]);
  expect(months.map(month => month.mean)).toEqual([null, null, null, 1700, 2000, null]);
  expect(months.at(-1)?.minutes).toBe(120);
});

test("two years at most; of nothing nothing", () => {
  const bills = Array.from({ length: 30 }, (_, n) =>
    bill(`20${24 + Math.floor(n / 12)}${String((n % 12) + 1).padStart(2, "0")}`, n),
  );
  expect(monthsOf({ bills, usages: [] } as never)).toHaveLength(24);
  expect(monthsOf({ bills: [], usages: [] })).toEqual([]);
});

test("shares of a debt and of a contract's time", () => {
  const ages = { as_of: "2026-06-30", not_due: 0, to_30: 250, to_60: 750, to_90: 0, over_90: 0 };
  expect(agesOf(ages).map(age => age.share)).toEqual([0, 0.25, 0.75, 0, 0]);
  expect(agesOf({ ...ages, to_30: 0, to_60: 0 }).every(age => age.share === 0)).toBe(true);
  expect(shareOf("2026-01-01", "2026-12-31", Date.parse("2026-07-02"))).toBeCloseTo(0.5, 2);
  expect(shareOf("2026-01-01", "2026-02-01", Date.parse("2027-01-01"))).toBe(1);
  expect(shareOf(null, "2026-02-01", 0)).toBeNull();
});
