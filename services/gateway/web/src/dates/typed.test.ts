import { expect, it } from "vitest";
import { asDate, asDay, dayTyped, isComplete } from "./typed";

/** 1 January 2026 in China, while it is still 2025 in most of the world. */
const NOW = Date.parse("2025-12-31T16:30:00Z");

it.each([
  ["2026-07-03", "2026-07-03"],
  ["20260703", "2026-07-03"],
  ["2026/7/3", "2026-07-03"],
  ["2026.7.3", "2026-07-03"],
  ["2026年7月3日", "2026-07-03"],
  ["2026年7月3号", "2026-07-03"],
  [" 2026 年 7 月 3 日 ", "2026-07-03"],
  ["２０２６－０７－０３", "2026-07-03"],
  ["2026。7。3", "2026-07-03"],
  ["2026——7", undefined],
  ["7月3日", "2026-07-03"],
  ["7-3", "2026-07-03"],
  ["7/3", "2026-07-03"],
  ["2028-02-29", "2028-02-29"],
  ["2026-02-29", undefined],
  ["2026-13-01", undefined],
  ["6月31日", undefined],
  ["0026-07-03", undefined],
  ["明天", undefined],
  ["", undefined],
])("reads %j as %j", (text, day) => {
  expect(dayTyped(text, NOW)).toBe(day);
});

it("takes a date while it is written only where nothing can follow", () => {
  expect(["2026-07-03", "20260703", "7月3日", "２０２６年７月３日"].filter(isComplete)).toHaveLength(4);
  expect(["2026-7-1", "7-1", "2026", "3日", ""].filter(isComplete)).toEqual([]);
});

it("carries a day through the browser's own zone", () => {
  expect(asDay(asDate("2026-03-01"))).toBe("2026-03-01");
  expect(asDay(asDate("2024-12-31"))).toBe("2024-12-31");
});
