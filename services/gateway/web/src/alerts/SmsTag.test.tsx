import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SmsTag } from "./SmsTag";

vi.mock("@/session/session", () => ({ useMe: () => ({ staff_no: "M1", name: "李经理", role: "manager" }) }));

let asked: string[];

beforeEach(() => {
  asked = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    const stops = [{ what: "template/reminder", by: "A1", why: "金额写错", at: "2026-06-30T02:00:00Z" }];
    return new Response(JSON.stringify(pathname === "/v1/stops" ? stops : []), {
      headers: { "Content-Type": "application/json" },
    });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const show = (state: string, reason: string | null, about: string[]) =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SmsTag state={state} reason={reason} about={about} />
    </QueryClientProvider>,
  ).container;

it.each([
  ["held", "stopped", "‖已停发"],
  ["held", "quiet_hours", "☾静默中 静默时段"],
])("says of one that is %s for %s who stopped it, and why", async (state, reason, told) => {
  const shown = show(state, reason, ["template/reminder"]);
  expect(await screen.findByText(/A1 停发：金额写错/)).toBeTruthy();
  expect(shown.textContent?.startsWith(told)).toBe(true);
});

it("asks for stops only where something waits", () => {
  expect(show("delivered", null, ["template/reminder"]).textContent).toBe("✓已送达");
  expect(asked).toEqual([]);
});
