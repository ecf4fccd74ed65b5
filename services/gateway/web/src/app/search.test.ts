import { expect, it } from "vitest";
import { looksLikeRecord, placeOf } from "./search";

it.each([
  ["file:ARR_320100_20261121_0001.dat.gz#17", true],
  ["feed:boss/ha#c-2", true],
  ["39dda971-9a0e-5cef-b924-a2a0dac79871", true],
  ["39dda971", false],
  ["王芳", false],
  ["13901000123", false],
  ["file: a#b", false],
])("%s is a record that only the chain knows: %s", (text, is) => expect(looksLikeRecord(text)).toBe(is));

it("an item leads to its page, an SMS to its chain", () => {
  const item = { id: "a/b", kind: null, state: "sent", customer_name: null };
  expect(placeOf({ ...item, list: "work" })).toBe("/work/a%2Fb");
  expect(placeOf({ ...item, list: "sms" })).toBe("/why/a%2Fb");
});
