import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { Suspense } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import StopsBoard from "./StopsBoard";

let asked: string[];
let everywhere: object;
const stop = { what: "template/arrears-reminder", by: "W2", why: "金额写错", at: "2026-06-30T02:00:00Z" };
const text = { id: "arrears-final-notice", version: 1, state: "active", kind: "arrears", step: "final_notice" };

beforeEach(() => {
  asked = [];
  everywhere = { rules: ["see", "change"] };
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    if (request.method !== "GET") {
      asked.push(`${request.method} ${pathname}${decodeURIComponent(search)} ${await request.text()}`);
    }
    const answers: Record<string, unknown> = {
      "/v1/session/rights": { rights: { rules: ["see", "change"] }, everywhere },
      "/v1/stops": request.method === "GET" ? [stop] : stop,
      "/v1/templates": [text],
      "/v1/rules": [],
    };
    return new Response(JSON.stringify(answers[pathname] ?? stop), { headers: { "Content-Type": "application/json" } });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const open = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Suspense>
          <StopsBoard />
        </Suspense>
      </UndoProvider>
    </QueryClientProvider>,
  );

it("says what is stopped, by whom and why, and releases it with a reason", async () => {
  open();
  expect(await screen.findByText("金额写错")).toBeTruthy();
  const release = screen.getByRole("button", { name: /恢\s*复/ }) as HTMLButtonElement;
  expect(release.disabled).toBe(true);
  fireEvent.change(screen.getByLabelText("理由 模板 arrears-reminder"), { target: { value: "已改好" } });
  fireEvent.click(release);
  await waitFor(() => expect(asked).toEqual(["DELETE /v1/stops/template/arrears-reminder?why=已改好 "]));
});

it("stops what was chosen, with a reason", async () => {
  open();
  const part = within(await screen.findByRole("region", { name: "新的停发" }));
  const stops = part.getByRole("button", { name: /停\s*发/ }) as HTMLButtonElement;
  fireEvent.mouseDown(part.getByLabelText("哪一个"));
  fireEvent.click(await screen.findByTitle("arrears-final-notice"));
  expect(stops.disabled).toBe(true);
  fireEvent.change(part.getByLabelText("理由"), { target: { value: "客户投诉" } });
  fireEvent.click(stops);
  await waitFor(() =>
    expect(asked).toEqual([
      `POST /v1/stops ${JSON.stringify({ what: "template/arrears-final-notice", why: "客户投诉" })}`,
    ]),
  );
});

it("offers nothing to who has the right over a part alone", async () => {
  everywhere = {};
  open();
  expect(await screen.findByText("金额写错")).toBeTruthy();
  expect(screen.queryAllByRole("button")).toEqual([]);
});
