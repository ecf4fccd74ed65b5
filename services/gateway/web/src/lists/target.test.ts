import { expect, it } from "vitest";
import { actingAfter } from "./target";

it("closes no other item's form where an answer comes late", () => {
  expect(actingAfter(undefined, "w1", true)).toBe("w1");
  expect(actingAfter("w1", "w1", false)).toBeUndefined();
  expect(actingAfter("w2", "w1", false)).toBe("w2");
});
