import { afterEach, expect, it } from "vitest";
import { own, setOwner, sweepNobodys } from "./owner";

afterEach(() => setOwner(undefined));

it("sweeps what belongs to nobody, and nothing else", () => {
  const nobodys = [
    "kam.draft.work/W1/note",
    "kam.kept.alerts/selected",
    "kam.last./alerts",
    `${own("kam.draft")}work/W1`,
  ];
  setOwner("M-01.X_2");
  const kept = [`${own("kam.draft")}work/W1/note`, `${own("kam.kept")}work/current`, `${own("kam.last")}/alerts`];
  const others = [...kept, "kam.preferences", "kam.reloaded", "kam.draftsman"];
  for (const storage of [localStorage, sessionStorage]) {
    storage.clear();
    for (const key of [...nobodys, ...others]) {
      storage.setItem(key, "x");
    }
  }
  sweepNobodys();
  for (const storage of [localStorage, sessionStorage]) {
    expect(Object.keys(storage).sort()).toEqual([...others].sort());
    storage.clear();
  }
});
