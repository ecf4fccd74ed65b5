import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { Change } from "./Change";
import type { Rule } from "./ruleText";

const rule: Rule = {
  id: "drop-30",
  version: 2,
  state: "active",
  type: "fall",
  name_zh: "下降",
  name_en: "A fall",
  author: "A1",
  why: "x",
  created_at: "2026-06-01T00:00:00Z",
  active_from: null,
  switches: [],
};

let asked: { path: string; body: unknown; key: string | null }[];
let refuses: boolean;
beforeEach(() => {
  asked = [];
  refuses = false;
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push({
      path: new URL(request.url).pathname,
      body: await request.json(),
      key: request.headers.get("Idempotency-Key"),
    });
    const json = { "Content-Type": "application/json" };
    return refuses
      ? new Response(JSON.stringify({ error: "switches_away", zh: "现在不能启用或停用", en: "away" }), {
          status: 503,
          headers: json,
        })
      : new Response(JSON.stringify({ ...rule, version: 3 }), { headers: json });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const shown = (more: Partial<Rule> = {}, canGoBack = true) =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Change rule={{ ...rule, ...more }} canGoBack={canGoBack} />
      </UndoProvider>
    </QueryClientProvider>,
  );
const because = (why: string) => fireEvent.change(screen.getByLabelText("理由"), { target: { value: why } });

it("does nothing without a reason", async () => {
  shown();
  fireEvent.click(screen.getByRole("button", { name: /停\s*用/ }));
  expect(await screen.findByText("请写明理由")).toBeTruthy();
  expect(asked).toEqual([]);
});

it("stops, and goes back, with the reason that was given", async () => {
  shown();
  because(" 误报偏多 ");
  fireEvent.click(screen.getByRole("button", { name: /停\s*用/ }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toMatchObject({ path: "/v1/rules/drop-30/stop", body: { why: "误报偏多" } });
  await waitFor(() => expect((screen.getByLabelText("理由") as HTMLTextAreaElement).value).toBe(""));
  because("漏报");
  fireEvent.click(screen.getByRole("button", { name: /回退/ }));
  await waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]).toMatchObject({ path: "/v1/rules/drop-30/rollback", body: { why: "漏报" } });
});

it("says why it could not be done, keeps the words, and asks again under the same name", async () => {
  shown();
  refuses = true;
  because("漏报");
  fireEvent.click(screen.getByRole("button", { name: /回退/ }));
  expect((await screen.findByRole("alert")).textContent).toContain("现在不能启用或停用");
  expect((screen.getByLabelText("理由") as HTMLTextAreaElement).value).toBe("漏报");
  fireEvent.click(screen.getByRole("button", { name: /回退/ }));
  await waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[0]?.key).toBe(asked[1]?.key);
});

it("offers what can be done alone", () => {
  shown({ state: "stopped" }, false);
  expect(screen.queryAllByRole("button")).toEqual([]);
});
