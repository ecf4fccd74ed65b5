import { expect, it } from "vitest";
import { safe } from "./charts";

type Shown = { tooltip: { valueFormatter: (value: unknown) => string; renderMode: string } };

it("numbers in tooltips have separators where a chart says nothing of its own", () => {
  const { tooltip } = safe({ tooltip: { trigger: "axis" } }, "Alerts", false) as unknown as Shown;
  expect([12345, null, Number.NaN].map(value => tooltip.valueFormatter(value))).toEqual(["12,345", "—", "—"]);
  expect(tooltip.renderMode).toBe("richText");
  const own = safe({ tooltip: { valueFormatter: () => "¥1.00" } }, "Alerts", false) as unknown as Shown;
  expect(own.tooltip.valueFormatter(1)).toBe("¥1.00");
});
