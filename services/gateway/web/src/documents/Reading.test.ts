import { expect, it } from "vitest";
import { said } from "./Reading";

it("says what a document holds in words, and what it does not know as it is", () => {
  const words = new Map([["ladders", "阶段次序"]]);
  const ladders = { arrears: ["opened", "final_notice"], "new-kind": ["x"] };
  expect(said(ladders, "zh", words)).toBe("欠费预警 已登记、最后通知，new-kind x");
  expect(said({ ladders: {} }, "zh", words)).toBe("阶段次序 无");
  expect([said(null, "en", words), said([], "en", words), said(true, "en", words), said("86", "en", words)]).toEqual([
    "nothing",
    "nothing",
    "yes",
    "86",
  ]);
});
