import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { Suspense } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import ReleasesBoard from "./ReleasesBoard";

let missing: string;

beforeEach(() => {
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    const body = pathname === "/v1/session/rights" ? { rights: {}, everywhere: {} } : [];
    const headers = { "Content-Type": "application/json", ...(missing && { "Kam-Missing": missing }) };
    return new Response(JSON.stringify(body), { headers });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const open = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Suspense>
          <ReleasesBoard />
        </Suspense>
      </UndoProvider>
    </QueryClientProvider>,
  );

it("says whose releases are missing", async () => {
  missing = "alerts, billing-sync";
  open();
  expect((await screen.findByText(/没有应答/)).textContent).toContain("预警、收数（文件）");
});

it("says nothing where the list is whole", async () => {
  missing = "";
  open();
  expect(await screen.findByText("没有等着放行的。")).toBeTruthy();
  expect(screen.queryByText(/没有应答/)).toBeNull();
});
