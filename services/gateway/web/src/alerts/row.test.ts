import { expect, it } from "vitest";
import { stateOf } from "./row";

const HELD = { reason: "割接", until: "2026-06-30T22:00:00Z" };

it.each([
  [{ state: "raised" }, "raised"],
  [{ state: "acknowledged", escalated_to: "head" }, "escalated"],
  [{ state: "raised", suppressed: HELD }, "suppressed"],
  [{ state: "resolved", escalated_to: "head", suppressed: HELD }, "resolved"],
  [{ state: "expired", escalated_to: "head" }, "expired"],
])("%o is shown as %s", (alert, state) => expect(stateOf(alert)).toBe(state));
