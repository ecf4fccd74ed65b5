import { expect, it } from "vitest";
import { stopOf } from "./standing";

const stop = (what: string) => ({ what, by: "A1", why: "金额写错", at: "2026-06-30T02:00:00Z" });

it("finds the stop that keeps a message back", () => {
  const [template, kind] = [stop("template/reminder"), stop("kind/arrears")];
  const about = ["template/reminder", "kind/arrears"];
  expect(stopOf([kind, template], about, true)).toBe(template);
  expect(stopOf([kind], about, false)).toBe(kind);
});

it("says nobody where it can't be known who it was", () => {
  const [channel, other] = [stop("channel/smpp"), stop("template/other")];
  expect(stopOf([channel], ["template/reminder"], true)).toBe(channel);
  expect(stopOf([channel], ["template/reminder"], false)).toBeUndefined();
  expect(stopOf([channel, other], ["template/reminder"], true)).toBeUndefined();
  expect(stopOf([], ["template/reminder"], true)).toBeUndefined();
});
