import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { Editor } from "./Editor";
import type { Content, Version } from "./model";
import ShapeForm from "./ShapeForm";

const about = {
  may_stop: true,
  has_shadow: false,
  fields: [{ field: "daily_cap", zh: "每人每天最多条数", en: "a day" }],
};
const first = { id: "sms", daily_cap: 3, opt_out: ["TD"], quiet: { start: "21:00" } };
const saved: Version = {
  id: "sms",
  version: 3,
  state: "draft",
  author: "W2",
  why: "夜间少发",
  created_at: "2026-06-01T00:00:00Z",
  active_from: null,
  tried: null,
  switches: [],
  document: { ...first, daily_cap: 2 },
};

let asked: { method: string; path: string; body: { document: Content; why: string } | null; match: string | null }[];
let answers: ((path: string) => Response)[];
const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

beforeEach(() => {
  localStorage.clear();
  asked = [];
  answers = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname, search } = new URL(request.url);
    asked.push({
      method: request.method,
      path: pathname + search,
      body: request.method === "GET" ? null : await request.json(),
      match: request.headers.get("If-Match"),
    });
    return (answers.shift() ?? (() => json(saved)))(pathname);
  });
});
afterEach(() => void vi.unstubAllGlobals());

const done = vi.fn();
const open = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Editor kind="policies" about={about} id="sms" after={2} first={first} Form={ShapeForm} onSaved={done} />
      </UndoProvider>
    </QueryClientProvider>,
  );
const type = (label: string, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
const cap = () => screen.getByLabelText("每人每天最多条数") as HTMLInputElement;
const save = () => fireEvent.click(screen.getByRole("button", { name: /存为草稿/ }));

it("saves the next version with a reason, made from the one that was read", async () => {
  open();
  save();
  expect(await screen.findByText("请写明理由")).toBeTruthy();
  expect(asked).toEqual([]);
  type("每人每天最多条数", "2");
  type("理由", "夜间少发");
  save();
  await waitFor(() => expect(done).toHaveBeenCalled());
  expect(asked[0]).toMatchObject({
    method: "PUT",
    path: "/v1/policies/sms",
    match: '"2"',
    body: { document: { ...first, daily_cap: 2 }, why: "夜间少发" },
  });
});

it("tells what is wrong at its very field, and keeps what was written, after a reload too", async () => {
  answers = [
    () =>
      json(
        {
          error: "invalid",
          zh: "应在 1 到 100 之间",
          en: "1 to 100",
          field: "daily_cap",
          faults: [
            { field: "daily_cap", zh: "应在 1 到 100 之间", en: "1 to 100" },
            { field: "quiet.start", zh: "不是时刻", en: "no time" },
          ],
        },
        422,
      ),
  ];
  const { unmount, container } = open();
  type("每人每天最多条数", "0");
  type("理由", "试试");
  save();
  expect(await screen.findByText(/有 2 处要改/)).toBeTruthy();
  const field = container.querySelector('[data-field="daily_cap"]') as HTMLElement;
  expect(field.textContent).toContain("应在 1 到 100 之间");
  expect(cap().getAttribute("aria-describedby")).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: "quiet.start" }));
  expect(container.querySelector('[data-field="quiet.start"]')?.contains(document.activeElement)).toBe(true);
  unmount();
  open();
  expect(cap().value).toBe("0");
  expect(screen.getByText(/上次没保存的改动还在/)).toBeTruthy();
  fireEvent.click(screen.getByRole("button", { name: /丢\s*弃/ }));
  expect(cap().value).toBe("3");
});

it("tells the second editor by whom, what, and loses neither text", async () => {
  answers = [
    () => json({ error: "changed_meanwhile", zh: "W2 刚改过", en: "W2 just changed this" }, 412),
    () => json(saved),
    () => json([{ field: "daily_cap", zh: "每人每天最多条数由 3 改为 2", en: "a day: 3 → 2" }]),
  ];
  open();
  type("每人每天最多条数", "5");
  type("理由", "多发");
  save();
  expect(await screen.findByText(/W2 刚存了 v3/)).toBeTruthy();
  expect(await screen.findByText("每人每天最多条数由 3 改为 2")).toBeTruthy();
  expect(asked[2]?.path).toBe("/v1/policies/sms/difference?before=2&after=3");
  expect(cap().value).toBe("5");
  fireEvent.click(screen.getByRole("button", { name: "用我的" }));
  save();
  await waitFor(() => expect(asked).toHaveLength(4));
  expect(asked[3]).toMatchObject({ match: '"3"', body: { document: { daily_cap: 5 } } });
});

it("is written as text, too: what can't be read is said with its line, nothing is sent", async () => {
  open();
  fireEvent.click(screen.getByText("文本"));
  const area = (await screen.findByLabelText("整份文档，YAML 或 JSON")) as HTMLTextAreaElement;
  expect(area.value).toContain("daily_cap: 3");
  fireEvent.change(area, { target: { value: "id: sms\ndaily_cap: 4\ndaily_cap: 5" } });
  type("理由", "x");
  save();
  expect(await screen.findByText(/第 3 行：不是正确的 YAML/)).toBeTruthy();
  expect(asked).toEqual([]);
  fireEvent.change(area, { target: { value: "id: sms\ndaily_cap: 4" } });
  save();
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(asked[0]?.body?.document).toEqual({ id: "sms", daily_cap: 4 });
});
