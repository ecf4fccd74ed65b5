import { expect, it } from "vitest";
import { cityOptions, unitOptions } from "./placeControls";

const unit = (
  unit_id: string,
  parent_id: string | null,
  city: string | null,
  name: string | null = `单位${unit_id}`,
) => ({
  unit_id,
  parent_id,
  city,
  name,
});
const UNITS = [
  unit("U1", null, "320000", "全省"),
  unit("U11", "U1", "320100", "南京"),
  unit("U2", "U1", "320200", null),
  unit("U111", "U11", "320100"),
  unit("U3", null, "999900", "海外"),
];

it("sets units in below those above them", () =>
  expect(unitOptions(UNITS).map(({ label }) => label)).toEqual(["全省", "　南京", "　　单位U111", "　U2", "海外"]));

it("names cities, those without a name by their highest unit", () =>
  expect(cityOptions(UNITS)).toEqual([
    { value: "320000", label: "江苏省" },
    { value: "320100", label: "南京市" },
    { value: "320200", label: "无锡市" },
    { value: "999900", label: "海外 999900" },
  ]));

it("ends where a tree is tied into a ring", () =>
  expect(unitOptions([unit("A", "B", null), unit("B", "A", null)])).toEqual([]));
