import { describe, expect, it } from "vitest";
import * as f from ".";

const NOW = Date.parse("2026-06-30T09:42:05+08:00");

describe("money", () => {
  it.each([
    [123456, "¥1,234.56"],
    [-1200, "−¥12.00"],
    [0, "¥0.00"],
    [5, "¥0.05"],
    [128430000_00, "¥128,430,000.00"],
    [null, "—"],
    [undefined, "—"],
    [Number.NaN, "—"],
  ])("%s fen", (fen, shown) => expect(f.money(fen)).toBe(shown));

  it("is short on axes", () => {
    expect(f.shortMoney(123000_00, "zh")).toBe("¥12.3万");
    expect(f.shortMoney(120_000_000_00, "zh")).toBe("¥1.2亿");
    expect(f.shortMoney(9623_90, "zh")).toBe("¥9,623.9");
    expect(f.shortMoney(123000_00, "en")).toBe("¥123K");
    expect(f.shortMoney(120_000_000_00, "en")).toBe("¥120M");
    expect(f.shortMoney(-123000_00, "zh")).toBe("−¥12.3万");
    expect(f.shortMoney(null, "en")).toBe("—");
  });
});

describe("time", () => {
  it.each([
    ["2026-06-30T09:41:50+08:00", "刚刚", "just now"],
    ["2026-06-30T09:39:00+08:00", "3 分钟前", "3 min ago"],
    ["2026-06-30T00:05:00Z", "08:05", "08:05"],
    ["2026-06-29T14:05:00+08:00", "昨天 14:05", "yesterday 14:05"],
    ["2026-06-21T14:05:00+08:00", "06-21 14:05", "21 Jun 14:05"],
    ["2025-06-21T14:05:00+08:00", "2025-06-21", "2025-06-21"],
    ["2026-07-01T08:00:00+08:00", "明天 08:00", "tomorrow 08:00"],
    ["not a time", "—", "—"],
    [null, "—", "—"],
  ])("%s", (at, zh, en) => {
    expect(f.ago(at, NOW, "zh")).toBe(zh);
    expect(f.ago(at, NOW, "en")).toBe(en);
  });

  it("is exact on hover, and in one zone for everybody", () => {
    expect(f.exact("2026-06-30T01:42:05Z")).toBe("2026-06-30 09:42:05 +08:00");
    expect(f.timeOfDay(NOW)).toBe("09:42:05");
    expect(f.dayOf("2026-06-29T16:30:00Z")).toBe("2026-06-30");
  });

  it.each([
    [9 * 3600_000 + 20 * 60_000, "9:20", "9:20"],
    [-(3 * 3600_000 + 5 * 60_000), "3:05", "3:05"],
    [76 * 3600_000, "3 天 4 小时", "3 days 4 h"],
    [24 * 3600_000, "1 天", "1 day"],
    [0, "0:00", "0:00"],
  ])("a clock of %s ms", (ms, zh, en) => {
    expect(f.clock(ms, "zh")).toBe(zh);
    expect(f.clock(ms, "en")).toBe(en);
  });

  it("says durations, periods and days in both languages", () => {
    expect(f.duration(560 * 60_000, "zh")).toBe("9 小时 20 分");
    expect(f.duration(560 * 60_000, "en")).toBe("9 h 20 min");
    expect(f.duration(45 * 60_000, "zh")).toBe("45 分钟");
    expect(f.period("202606", "zh")).toBe("2026年6月");
    expect(f.period("202606", "en")).toBe("Jun 2026");
    expect(f.period("202613", "en")).toBe("—");
    expect(f.monthOf("202606", "zh")).toBe("6月");
    expect(f.monthOf("202606", "en")).toBe("June");
    expect(f.longDay(NOW, "zh")).toBe("6月30日 周二");
    expect(f.longDay(NOW, "en")).toBe("Tue 30 Jun");
    expect(f.shortDate("2026-07-07", NOW, "zh")).toBe("7月7日");
    expect(f.shortDate("2027-07-07", NOW, "en")).toBe("7 Jul 2027");
    expect([f.lag(8, "zh"), f.lag(360, "zh"), f.lag(7200, "en")]).toEqual(["8 秒", "6 分钟", "2 h"]);
    const spans = [-5, 312, 12_000, 360_000, 7_200_000, 300_000_000];
    expect(spans.map(ms => f.span(ms, "zh"))).toEqual(["不到 0.1 秒", "0.3 秒", "12 秒", "6 分钟", "2 小时", "3 天"]);
  });

  it("counts days by the business calendar", () => {
    expect(f.daysUntil("2026-07-07", NOW)).toBe(7);
    expect(f.daysUntil("2026-06-30", Date.parse("2026-06-29T16:00:00Z"))).toBe(0);
    expect(f.daysUntil("2026-04-30", NOW)).toBe(-61);
    expect(f.daysUntil("never", NOW)).toBeNaN();
  });
});
