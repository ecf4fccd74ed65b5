import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen } from "@testing-library/react";
import { MemoryRouter, Route, Routes } from "react-router";
import { afterEach, expect, it, vi } from "vitest";
import type { OpenedRows } from "@/rows/useRows";
import Team from "./index";
import type { Member } from "./units";

vi.mock("@/session/session", () => ({ useMe: () => ({ unit_id: "U1" }) }));
afterEach(() => void vi.unstubAllGlobals());

vi.mock("@/rows/RowsDrawer", () => ({
  RowsDrawer: ({ rows }: { rows: OpenedRows }) => <output>{JSON.stringify(rows.asked)}</output>,
}));
const PATIENT = { timeout: 10_000 };
const UNIT = { unit_id: "U1", parent_id: null, name: "甲市", city: null, mine: true };
const SUMS = { customers: 130, open: 1, overdue: 0, unclaimed: 0, unattended: 0 };
const ROWS = { list: "work", filter: { unit: "U1" } };
const FIRST = { list: "work", filter: { unit: "U1", first_since: "2026-05-31T16:00:00+00:00" } };
const FRESH = { as_of: "2026-06-30T02:00:00Z", seconds_behind: 0 };
const member = (change: Partial<Member>): Member => ({
  manager_id: "m1",
  name: null,
  unit_id: "U1",
  status: "active",
  extension: null,
  home: true,
  customers: 1,
  open: 0,
  overdue: 0,
  load: null,
  responses: 0,
  response_seconds: null,
  kept: 0,
  retained_of: 0,
  week: [0, 0, 0, 0, 0, 0, 0],
  ...change,
});

/** The page; its server tells one member for each fifty that are asked for. */
function show(members: readonly Member[]): string[] {
  const asked: string[] = [];
  vi.stubGlobal("fetch", async ({ url }: Request) => {
    const { pathname, searchParams } = new URL(url);
    const unit = { ...UNIT, ...SUMS };
    if (pathname === "/v1/team") {
      return Response.json({ units: [unit], ...FRESH });
    }
    asked.push(searchParams.toString());
    const told = members.slice(0, Number(searchParams.get("limit")) / 50);
    const opens = { kept: ROWS, retained_of: ROWS, week: ROWS, responses: FIRST };
    return Response.json({ unit, people: members.length, total: members.length, members: told, opens, ...FRESH });
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter initialEntries={["/team/U1?sort=name"]}>
        <Routes>
          <Route path="/team/:unit" element={<Team />} />
        </Routes>
      </MemoryRouter>
    </QueryClientProvider>,
  );
  return asked;
}

it("says of how many members it lists the first, and lists more", async () => {
  const asked = show(["m1", "m2", "m3"].map(manager_id => member({ manager_id })));
  fireEvent.click(await screen.findByText(/已列出 2 人，共 3 人/, undefined, PATIENT));
  expect(await screen.findByText("m3", undefined, PATIENT)).toBeTruthy();
  expect(screen.queryByText(/已列出/)).toBeNull();
  expect(asked).toEqual(["sort=name&limit=100", "sort=name&limit=200"]);
});

it("opens of a median the items whose first steps it is of", async () => {
  show([member({ responses: 7, response_seconds: 1800 })]);
  fireEvent.click(await screen.findByLabelText(/^m1 首响中位 .*：7，/, undefined, PATIENT));
  const filter = { ...FIRST.filter, holder: "m1" };
  expect(screen.getByText(JSON.stringify({ list: "work", filter, count: 7 }))).toBeTruthy();
});
