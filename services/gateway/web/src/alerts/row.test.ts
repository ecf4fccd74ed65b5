import { expect, it } from "vitest";
import { smsStateOf, stateOf } from "./row";

const HELD = { reason: "割接", until: "2026-06-30T22:00:00Z" };

it.each([
  [{ state: "raised" }, "raised"],
  [{ state: "acknowledged", escalated_to: "head" }, "escalated"],
  [{ state: "raised", suppressed: HELD }, "suppressed"],
  [{ state: "resolved", escalated_to: "head", suppressed: HELD }, "resolved"],
  [{ state: "expired", escalated_to: "head" }, "expired"],
])("%o is shown as %s", (alert, state) => expect(stateOf(alert)).toBe(state));

it.each([
  ["held", "quiet_hours", "held"],
  ["held", null, "held"],
  ["held", "stopped", "stopped"],
  ["held", "daily_cap", "waits"],
  ["held", "budget", "waits"],
  ["cancelled", "paid", "cancelled"],
])("an SMS that is %s for %s is shown as %s", (state, reason, shown) => expect(smsStateOf(state, reason)).toBe(shown));
