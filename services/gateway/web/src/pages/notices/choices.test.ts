import { describe, expect, it } from "vitest";
import { type Choices, choicesOf, fieldsOf, halfHours, isUnderWay, type Notice } from "./choices";

const CHOICES: Choices = {
  language: "en",
  mail_address: "li@corp.example",
  wecom_webhook: null,
  digest: { channels: ["mail"], at: "08:30" },
  urgent: { channels: ["mail"], severity: "major", kinds: ["arrears"] },
  quiet: { begins: "22:00", ends: "07:00" },
};

describe("times of day", () => {
  it("are half hours, and the one that is set", () => {
    expect(halfHours("08:30")).toHaveLength(48);
    expect(halfHours().at(-1)).toBe("23:30");
    expect(halfHours("08:10").slice(16, 18)).toEqual(["08:00", "08:10"]);
  });
});

describe("what somebody chose", () => {
  it("comes back as it was", () => {
    expect(choicesOf(fieldsOf(CHOICES))).toEqual(CHOICES);
    expect(choicesOf(fieldsOf({ ...CHOICES, quiet: null })).quiet).toBeNull();
  });

  it("goes without a channel that leads nowhere", () => {
    const fields = fieldsOf(CHOICES);
    const both = {
      ...fields,
      mail_address: " ",
      urgent: { ...fields.urgent, channels: ["mail" as const, "wecom" as const] },
    };
    expect(choicesOf(both)).toMatchObject({ mail_address: null, digest: { channels: [] }, urgent: { channels: [] } });
  });

  it("has its times while quiet hours are off", () => {
    const { isQuiet, quiet } = fieldsOf({ ...CHOICES, quiet: null });
    expect([isQuiet, quiet]).toEqual([false, { begins: "21:00", ends: "08:00" }]);
  });
});

it("asks again while a first try is to come", () => {
  const delivery = {
    channel: "mail" as const,
    state: "waiting" as const,
    attempts: 0,
    reason: null,
    at: null,
    next_at: null,
  };
  const recent = (more: Partial<typeof delivery>): Notice[] => [
    { id: "n", kind: "test", at: "2026-06-30T02:00:00+00:00", alerts: 0, deliveries: [{ ...delivery, ...more }] },
  ];
  expect(isUnderWay({ recent: recent({}) })).toBe(true);
  expect(isUnderWay({ recent: recent({ attempts: 1 }) })).toBe(false);
  expect(isUnderWay({ recent: [] })).toBe(false);
  expect(isUnderWay(undefined)).toBe(false);
});
