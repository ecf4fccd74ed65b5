import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { MemoryRouter, Route, Routes } from "react-router";
import { beforeEach, expect, it, vi } from "vitest";
import { UndoBar } from "@/components/UndoBar";
import { writeKept } from "@/habits/kept";
import { UndoProvider } from "@/habits/undo";
import { alertRow } from "@/test/alertRow";
import Alerts from "./alerts";
import Work from "./work";

vi.mock("@/session/session", () => ({
  useMe: () => ({ staff_no: "M1", name: "李经理", role: "manager", manager_id: "m1" }),
}));

let posted: string[];
let rows: object[];
const json = (body: unknown): Response =>
  new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });

beforeEach(() => {
  posted = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST") {
      posted.push(`${pathname} ${((await request.json()) as { ids?: string[] }).ids}`);
      return json({ done: 0, refused: 0, results: [] });
    }
    if (pathname === "/v1/session/rights") {
      return json({ rights: {}, everywhere: {} });
    }
    return /^\/v1\/lists\/\w+$/.test(pathname)
      ? json({ rows, total: rows.length, next: null, as_of: null, seconds_behind: 0 })
      : json([]);
  });
});

const show = (path: string) =>
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <MemoryRouter initialEntries={[path]}>
        <UndoProvider>
          <Routes>
            <Route path="/alerts/:id?" element={<Alerts />} />
            <Route path="/work/:id?" element={<Work />} />
            <Route path="/why/*" element={<p>why</p>} />
          </Routes>
          <UndoBar />
        </UndoProvider>
      </MemoryRouter>
    </QueryClientProvider>,
  );
const press = (...keys: string[]) => {
  for (const key of keys) {
    fireEvent.keyDown(document.body, { key });
  }
};
const rest = () => new Promise(done => setTimeout(done, 50));

it("acknowledges and hands over nothing that the list of alerts does not show", async () => {
  writeKept("alerts/current", "yesterday");
  rows = [alertRow({ alert_id: "a2" })];
  const { unmount } = show("/alerts?city=410200");
  await screen.findByText("共 1 条");
  press("a", "t", "e", "w");
  await rest();
  expect([posted, screen.queryByRole("dialog"), screen.queryByText("why")]).toEqual([[], null, null]);
  unmount();
  writeKept("alerts/current", "a2");
  show("/alerts?city=410200");
  await screen.findByText("共 1 条");
  press("a");
  await waitFor(() => expect(posted).toEqual(["/v1/alerts/acknowledge a2"]));
});

it.each(["of another list", "in a folded group"])("does nothing to a work item %s", async where => {
  writeKept("work/current", where === "of another list" ? "yesterday" : "w2");
  const item = (work_id: string, due_at: string) => ({
    ...alertRow(),
    work_id,
    kind: "dunning",
    state: "new",
    revision: 1,
    due_at,
    evidence: null,
    reasons: [],
  });
  rows = [item("w1", "2026-06-30T00:00:00Z"), item("w2", "2099-06-30T00:00:00Z")];
  show("/work?whose=mine");
  await screen.findByText("共 2 条");
  press("a", "c", "t", "e", "x", "w");
  await rest();
  expect([posted, screen.queryByRole("dialog"), screen.queryByText("why")]).toEqual([[], null, null]);
  expect(screen.queryByRole("toolbar")).toBeNull();
});
