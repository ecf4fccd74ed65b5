import { expect, it } from "vitest";
import { linesOf } from "./lines";

it("takes ids as people paste them", () => {
  expect(linesOf("C1\nC2, C3，C4\tC5\r\n\nC6")).toEqual(["C1", "C2", "C3", "C4", "C5", "C6"]);
  expect(linesOf("C1\n")).toEqual(["C1"]);
  expect(linesOf(" \n")).toEqual([]);
});
