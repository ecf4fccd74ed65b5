import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Reach } from "./Reach";

let environment: string;
let asked: number;

beforeEach(() => {
  asked = 0;
  vi.stubGlobal("fetch", async () => {
    asked += 1;
    const alerts = { ready: true, detail: "ok", freshness: { environment, sms_not_allowed: 1234 } };
    const services = { gateway: { ready: true, detail: "ok" }, alerts, "alerts-2": alerts };
    return new Response(JSON.stringify({ kafka: true, services }), { headers: { "Content-Type": "application/json" } });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const open = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Reach />
    </QueryClientProvider>,
  );

it("says outside production how many SMS did not leave", async () => {
  environment = "test";
  open();
  expect((await screen.findByRole("status")).textContent).toContain("1,234 条");
});

it("says nothing in production", async () => {
  environment = "production";
  open();
  await waitFor(() => expect(asked).toBe(1));
  expect(screen.queryByRole("status")).toBeNull();
});
