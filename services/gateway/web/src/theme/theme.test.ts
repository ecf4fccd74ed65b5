import { theme } from "antd";
import { describe, expect, it } from "vitest";
import { antdTheme } from "./antd";
import { contrast } from "./contrast";
import { cssVariables, type Mode, type Pair, palettes } from "./tokens";

const MODES: Mode[] = ["light", "dark"];
/** WCAG AA: text, and what is not text but must be seen. */
const TEXT = 4.5;
const SHAPE = 3;

describe.each(MODES)("%s", mode => {
  const p = palettes[mode];
  const t = theme.getDesignToken(antdTheme(mode));

  it.each(["critical", "major", "minor"] as const)("severity %s is read in any light", name => {
    expect(contrast(p[name].text, p[name].ground)).toBeGreaterThanOrEqual(6.5);
  });

  it.each(["star6", "star5", "star4", "starPlain"] as const)("%s is read in any light", name => {
    expect(contrast((p[name] as Pair).text, (p[name] as Pair).ground)).toBeGreaterThanOrEqual(7.2 - 0.01);
  });

  it.each(["text", "secondary", "placeholder", "link", "error", "warning", "success"] as const)(
    "%s can be read on every ground",
    name => {
      for (const ground of [p.layout, p.card, p.raised, p.hover]) {
        expect(contrast(p[name], ground), `${name} on ${ground}`).toBeGreaterThanOrEqual(TEXT);
      }
    },
  );

  it.each(["error", "warning", "success"] as const)("%s can be read on its tint", name => {
    expect(contrast(p[name], p[`${name}Tint`])).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(p.text, p[`${name}Tint`])).toBeGreaterThanOrEqual(TEXT);
  });

  it("antd takes our colours as they are, also where its dark algorithm would dim them", () => {
    expect(t.colorPrimary.toUpperCase()).toBe(p.primary);
    expect(t.colorBgContainer.toUpperCase()).toBe(p.card);
    for (const color of [t.colorPrimary, t.colorPrimaryHover, t.colorPrimaryActive]) {
      expect(contrast("#FFFFFF", color)).toBeGreaterThanOrEqual(TEXT);
    }
    for (const ground of [t.colorBgContainer, t.colorBgElevated, t.colorBgLayout]) {
      expect(contrast(t.colorText, ground)).toBeGreaterThanOrEqual(7);
      for (const color of [t.colorTextSecondary, t.colorTextDescription, t.colorTextPlaceholder, t.colorLink]) {
        expect(contrast(color, ground)).toBeGreaterThanOrEqual(TEXT);
      }
      for (const color of [t.colorErrorText, t.colorWarningText, t.colorSuccessText, t.colorInfoText]) {
        expect(contrast(color, ground)).toBeGreaterThanOrEqual(TEXT);
      }
      expect(contrast(t.colorBorder, ground)).toBeGreaterThanOrEqual(SHAPE);
    }
    expect(contrast(t.colorErrorText, t.colorErrorBg)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(t.colorWarningText, t.colorWarningBg)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(t.colorSuccessText, t.colorSuccessBg)).toBeGreaterThanOrEqual(TEXT);
  });

  it("what is selected can be read", () => {
    expect(contrast(p.link, p.selected)).toBeGreaterThanOrEqual(TEXT);
    expect(contrast(p.text, p.selected)).toBeGreaterThanOrEqual(7);
  });

  it("kinds of alerts are seen on the card in charts", () => {
    for (const color of [p.churn, p.arrears, p.complaint, p.contract, p.better, p.worse, p.ruleLine]) {
      expect(contrast(color, p.card)).toBeGreaterThanOrEqual(SHAPE);
    }
  });

  it("every colour is a CSS variable", () => {
    const variables = cssVariables(p);
    expect(variables["--kam-critical-ground"]).toBe(p.critical.ground);
    expect(variables["--kam-star-plain-text"]).toBe(p.starPlain.text);
    expect(variables["--kam-heat-4"]).toBe(p.heat[4]);
    expect(Object.keys(variables)).toEqual(Object.keys(cssVariables(palettes.light)));
  });
});
