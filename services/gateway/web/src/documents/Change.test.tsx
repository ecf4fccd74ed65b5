import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { Change } from "./Change";
import type { Version } from "./model";

const version: Version = {
  id: "drop-30",
  version: 2,
  state: "active",
  type: "fall",
  author: "A1",
  why: "x",
  created_at: "2026-06-01T00:00:00Z",
  active_from: null,
  tried: null,
  switches: [],
  document: {},
};
const before: Version = { ...version, version: 1, state: "retired" };
const about = { may_stop: true, has_shadow: false, fields: [] };

let asked: { path: string; body: unknown; key: string | null }[];
let refuses: boolean;
beforeEach(() => {
  asked = [];
  refuses = false;
  vi.stubGlobal("fetch", async (request: Request) => {
    asked.push({
      path: new URL(request.url).pathname,
      body: request.method === "DELETE" ? new URL(request.url).search : await request.json(),
      key: request.headers.get("Idempotency-Key"),
    });
    const json = { "Content-Type": "application/json" };
    return refuses
      ? new Response(JSON.stringify({ error: "switches_away", zh: "现在不能启用或停用", en: "away" }), {
          status: 503,
          headers: json,
        })
      : new Response(JSON.stringify({ ...version, version: 3 }), { headers: json });
  });
});
afterEach(() => void vi.unstubAllGlobals());

const shown = (more: Partial<Version> = {}, others: Version[] = [before], needsTrial = false) => {
  const own = { ...version, ...more };
  return render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Change kind="rules" about={about} version={own} versions={[own, ...others]} needsTrial={needsTrial} />
      </UndoProvider>
    </QueryClientProvider>,
  );
};
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
  shown({}, []);
  const names = screen.getAllByRole("button").map(button => button.textContent?.replace(/\s/g, ""));
  expect(names).toEqual(["停用"]);
});

it("activates only what was tried, now or on a day", async () => {
  shown({ version: 3, state: "draft" }, [version], true);
  expect(screen.getByText(/还没有试算过/)).toBeTruthy();
  expect((screen.getByRole("button", { name: /现在启用/ }) as HTMLButtonElement).disabled).toBe(true);
});

it("activates what was tried, and says where that was against another version", async () => {
  const tried = { trial_id: "t", against: 1 };
  shown({ version: 3, state: "draft", tried }, [version], true);
  expect(screen.getByText(/试算时对比的是 v1，现行已是 v2/)).toBeTruthy();
  because("调整阈值");
  fireEvent.click(screen.getByRole("button", { name: /现在启用 v3/ }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]).toMatchObject({ path: "/v1/rules/drop-30/versions/3/activate", body: { why: "调整阈值" } });
});

it("takes back what waits for its day", async () => {
  shown({ version: 3, state: "scheduled", active_from: "2026-08-01" }, [version]);
  expect(screen.getByText(/2026-08-01 第一条记录起生效/)).toBeTruthy();
  because("改期");
  fireEvent.click(screen.getByRole("button", { name: /收\s*回/ }));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.path).toBe("/v1/rules/drop-30/versions/3/schedule");
  expect(decodeURIComponent(String(asked[0]?.body))).toBe("?why=改期");
});
