import { expect, it } from "vitest";
import { lunarCell, lunarDay, lunarOf, lunarText } from "./lunar";

it.each([
  ["2026-02-17", "农历正月初一", "Lunar 1/1", "正月"],
  ["2026-02-16", "农历腊月廿九", "Lunar 12/29", "廿九"],
  ["2025-01-28", "农历腊月廿九", "Lunar 12/29", "廿九"],
  ["2024-02-09", "农历腊月三十", "Lunar 12/30", "三十"],
  ["2025-07-25", "农历闰六月初一", "Lunar leap 6/1", "闰六月"],
  ["2026-06-19", "农历五月初五", "Lunar 5/5", "初五"],
  ["2026-09-25", "农历八月十五", "Lunar 8/15", "十五"],
])("%s is %s", (date, zh, en, cell) => {
  const lunar = lunarOf(date);
  expect(lunar && [lunarText(lunar, "zh"), lunarText(lunar, "en"), lunarCell(lunar)]).toEqual([zh, en, cell]);
});

it("has a word for each day of a month", () => {
  const words = Array.from({ length: 30 }, (_, at) => lunarDay(at + 1));
  expect(words.join("")).toBe(
    "初一初二初三初四初五初六初七初八初九初十十一十二十三十四十五十六十七十八十九二十廿一廿二廿三廿四廿五廿六廿七廿八廿九三十",
  );
});
