import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { LiveMessage } from "@/live/live";
import { ContactLine } from "./ContactLine";
import { FollowContacts } from "./contacts";

let tell: (messages: readonly LiveMessage[]) => void;
vi.mock("@/live/live", () => ({
  useLive: (listener: typeof tell) => {
    tell = listener;
  },
}));

let asked: string[];
let refuses: boolean;
const contacts = (id: string) => ({
  customer_id: id,
  do_not_disturb: id === "c1",
  language: "zh",
  last: { at: "2026-06-29T08:20:00Z", kind: "call", result: "no_answer", by: "m1", by_name: "李经理", work_id: "w1" },
  last_sms: null,
  sms_today: 2,
  sms_limit: 3,
  open_complaints: id === "c1" ? 1 : 0,
});

beforeEach(() => {
  asked = [];
  refuses = false;
  vi.stubGlobal("fetch", async (request: Request) => {
    const ids = new URL(request.url).searchParams.get("customer") ?? "";
    asked.push(ids);
    const known = ids.split(",").filter(id => id !== "c9");
    return refuses
      ? new Response(JSON.stringify({ error: "not_allowed", zh: "不行", en: "no" }), { status: 403 })
      : new Response(JSON.stringify(known.map(contacts)), { headers: { "Content-Type": "application/json" } });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const lines = (...ids: string[]) =>
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <FollowContacts />
      {ids.map(id => (
        <ContactLine key={id} customerId={id} brief />
      ))}
    </QueryClientProvider>,
  );

it("asks once for all who are on the screen, a hundred at a time", async () => {
  lines("c2", "c1", "c9");
  await waitFor(() => expect(screen.getAllByRole("note")).toHaveLength(2));
  const [first, second] = screen.getAllByRole("note");
  expect(asked).toEqual(["c1,c2,c9"]);
  expect(first?.textContent).toContain("无在办投诉");
  expect(second?.textContent).toMatch(/免打扰.*在办投诉 1.*今日短信 2\/3.*上次联系.*李经理 · 打电话 · 无人接听/);
  expect(screen.getByText(/还不知道/)).toBeTruthy();
  lines(...Array.from({ length: 101 }, (_, at) => `d${at}`));
  await waitFor(() => expect(asked.slice(1).map(ids => ids.split(",").length)).toEqual([100, 1]));
});

it("says so where nothing was read, since that looks like nothing to heed", async () => {
  refuses = true;
  lines("c1");
  const again = await screen.findByRole("button");
  refuses = false;
  fireEvent.click(again);
  expect((await screen.findByRole("note")).textContent).toContain("在办投诉 1");
});

it("reads anew what a customer's messages may have changed, and everything where some were missed", async () => {
  lines("c1", "c2");
  await waitFor(() => expect(asked).toEqual(["c1,c2"]));
  await screen.findAllByRole("note");
  tell([{ id: "1", event: "sms", data: { customer_id: "c2" } }]);
  await waitFor(() => expect(asked.slice(1)).toEqual(["c2"]), { timeout: 4000 });
  tell([{ id: "", event: "reset", data: null }]);
  await waitFor(() => expect(asked.slice(2)).toEqual(["c1,c2"]), { timeout: 4000 });
});
