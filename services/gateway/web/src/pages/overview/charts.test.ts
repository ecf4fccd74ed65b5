import { describe, expect, it } from "vitest";
import { palettes } from "@/theme/tokens";
import { barOptions, cityOptions, fallOf, recoveredAt, rowsAt, soFar, startName, timeOptions } from "./charts";
import { change, type Overview, periodName, periods, previous, shareOf } from "./fields";

const NOW = Date.parse("2026-06-30T09:42:05+08:00");
const figure = { list: "alerts" as const, filter: {}, count: 0, before: null };
const view = {
  period: "202606",
  step: "day",
  since: "2026-05-31T16:00:00+00:00",
  until: "2026-06-02T16:00:00+00:00",
  starts: ["2026-05-31T16:00:00+00:00", "2026-06-01T16:00:00+00:00"],
  filter: { city: "410100" },
  by_time: [
    { kind: "arrears", counts: [2, 0] },
    { kind: "<b>", counts: [0, 1] },
  ],
  by_city: [{ city: "none", counts: [2, 1] }],
  recovered: { ...figure, filter: { kind: "arrears" }, counts: [0, 3], amounts_fen: [0, 9], amount_fen: 9 },
} as unknown as Overview;

describe("periods", () => {
  it("are the last months and days, and the one of the link", () => {
    const found = periods(NOW, "202401");
    expect(found.months.slice(0, 2)).toEqual(["202606", "202605"]);
    expect(found.months.at(-1)).toBe("202401");
    expect(found.days.slice(0, 2)).toEqual(["20260630", "20260629"]);
    expect(periods(Date.parse("2026-01-01T00:00:00+08:00"), "").months[1]).toBe("202512");
  });

  it("have one before", () => {
    expect(previous("202601")).toBe("202512");
    expect(previous("20260301")).toBe("20260228");
  });

  it("have names", () => {
    expect(periodName("202606", "zh")).toBe("2026年6月");
    expect(periodName("20260630", "en")).toBe("2026-06-30");
  });
});

it("a change is told in percent, and not where there is nothing to compare with", () => {
  expect([change(108, 100), change(88, 100), change(100, 100), change(5, 0), change(5, null)]).toEqual([
    "▲8%",
    "▼12%",
    "=",
    undefined,
    undefined,
  ]);
  expect([shareOf(1, 0), shareOf(1, 4)]).toEqual([null, 0.25]);
});

describe("charts", () => {
  it("name places in the business zone", () => {
    expect(startName("2026-05-31T16:00:00+00:00", "day")).toBe("06-01");
    expect(startName("2026-05-31T16:00:00+00:00", "hour")).toBe("00:00");
  });

  it("lead to exactly the rows of a place", () => {
    expect(rowsAt(view, 1, { kind: "arrears" }, 7)).toEqual({
      list: "alerts",
      filter: {
        city: "410100",
        kind: "arrears",
        since: "2026-06-01T16:00:00+00:00",
        until: "2026-06-02T16:00:00+00:00",
      },
      count: 7,
    });
    expect(recoveredAt(view, 1)).toEqual({
      list: "alerts",
      filter: { kind: "arrears", ended_since: "2026-06-01T16:00:00+00:00", ended_until: "2026-06-02T16:00:00+00:00" },
      count: 3,
    });
  });

  it("say nothing of days to come", () => {
    const first = Date.parse(view.starts[0] ?? "");
    expect([soFar(view, [2, 0], first - 1), soFar(view, [2, 0], first), soFar(view, [2, 0], NOW)]).toEqual([
      [],
      [2],
      [2, 0],
    ]);
  });

  it("have a series a kind and a cell a city and time", () => {
    const options = timeOptions(view, kind => kind, palettes.light, "zh", NOW);
    expect((options.series as { data: number[] }[]).map(({ data }) => data)).toEqual([
      [2, 0],
      [0, 1],
    ]);
    expect((cityOptions(view, city => city, "zh").series as { data: number[][] }[])[0]?.data).toEqual([
      [0, 0, 2],
      [1, 0, 1],
    ]);
    expect(JSON.stringify(barOptions([], "zh", true))).not.toMatch(/NaN|Infinity/);
  });
});

it("a map of heat says what its colours and cells stand for", () => {
  const many = { ...view, by_city: [{ city: "410100", counts: [0, 12345] }] } as unknown as Overview;
  const { visualMap, tooltip } = cityOptions(many, city => `<${city}>`, "zh") as unknown as {
    visualMap: { text: string[]; max: number };
    tooltip: { formatter: (cell: { value: number[] }) => string };
  };
  expect(visualMap).toMatchObject({ max: 12345, text: ["1.2万", "0"] });
  expect(tooltip.formatter({ value: [1, 0, 12345] })).toBe("<410100> 06-02\n12,345");
  const none = { ...view, by_city: [] } as unknown as Overview;
  expect(cityOptions(none, city => city, "en").visualMap).toMatchObject({ max: 1, text: ["1", "0"] });
});

it("says the money beside a bar to the fen, not rounded as on the axis", () => {
  const { series } = barOptions([{ name: "0-30", value: 435_770, colour: "#000" }], "zh", true) as {
    series: { label: { formatter: (at: { value: number }) => string } }[];
  };
  expect(series[0]?.label.formatter({ value: 435_770 })).toBe("¥4,357.70");
});

it("a fall is against the mean of three months", () => {
  expect(fallOf({ amount_fen: 50, amount_fen_base: 300 })).toEqual({ by: 50, mean: 100 });
  expect([fallOf({}), fallOf({ amount_fen: 1, amount_fen_base: 0 }), fallOf({ amount_fen: "1" })]).toEqual([
    null,
    null,
    null,
  ]);
});
