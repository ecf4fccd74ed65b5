import { expect, it } from "vitest";
import { cityLabel, cityName } from "./cityName";

it("names cities and provinces by their codes", () => {
  expect(["320100", "410100", "110100", "650100", "320000"].map(cityName)).toEqual([
    "南京市",
    "郑州市",
    "北京市",
    "乌鲁木齐市",
    "江苏省",
  ]);
  expect(cityLabel("320500")).toBe("320500 苏州市");
});

it("leaves a code that nobody has named", () => {
  for (const code of ["999900", "320199", "", "x'); --"]) {
    expect(cityName(code)).toBe(code);
    expect(cityLabel(code)).toBe(code);
  }
});
