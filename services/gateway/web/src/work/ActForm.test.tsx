import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoBar } from "@/components/UndoBar";
import { setBusinessClock } from "@/habits/clock";
import { UndoProvider } from "@/habits/undo";
import { ActForm } from "./ActForm";

const CONTACTS = {
  customer_id: "c1",
  do_not_disturb: true,
  language: "zh",
  last: { at: "2026-06-29T08:20:00Z", kind: "call", result: "no_answer", by: "m1", by_name: "李经理", work_id: "w1" },
  last_sms: null,
  sms_today: 3,
  sms_limit: 3,
  open_complaints: 1,
};
const ITEM = { work_id: "w1", customer_id: "c1", kind: "dunning", customer_name: "客户乙", revision: 4 };

interface Sent {
  path: string;
  body: Record<string, unknown>;
  key: string | null;
  read: string | null;
}

let sent: Sent[];
let answers: Response[];
const json = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });

beforeEach(() => {
  setBusinessClock(Date.parse("2026-06-30T01:00:00Z"), false);
  sent = [];
  answers = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "GET") {
      return pathname.startsWith("/v1/contacts")
        ? json([CONTACTS])
        : json({ work_id: "w1", revision: 9, log: [{ at: "2026-06-30T01:00:00Z", by: "h1", what: "closed" }] });
    }
    const { headers } = request;
    sent.push({
      path: pathname,
      body: (await request.json()) as Record<string, unknown>,
      key: headers.get("Idempotency-Key"),
      read: headers.get("If-Match"),
    });
    return answers.shift() ?? json({ work_id: "w1", state: "acted" });
  });
});
afterEach(() => {
  setBusinessClock(Date.now(), true);
  vi.unstubAllGlobals();
});

vi.mock("@/session/session", () => ({
  useMe: () => ({ staff_no: "M1", name: "李经理", role: "analyst", manager_id: "m1" }),
}));

function show(onDone = vi.fn(), onCancel = vi.fn()) {
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <UndoProvider>
        <ActForm item={ITEM} onDone={onDone} onCancel={onCancel} />
        <UndoBar />
      </UndoProvider>
    </QueryClientProvider>,
  );
  return { onDone, onCancel };
}

const click = (name: RegExp): boolean => fireEvent.click(screen.getByRole("button", { name }));

it("logs a call in one click, as it is what is done most", async () => {
  const { onDone } = show();
  expect(screen.getByRole("button", { name: /打电话/ }).getAttribute("aria-pressed")).toBe("true");
  click(/有争议/);
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent).toMatchObject([{ path: "/v1/work/w1/act", body: { kind: "call", result: "disputed" }, read: '"4"' }]);
  expect(screen.getByText("已记下：打电话 · 有争议")).toBeTruthy();
});

it("logs by number keys, with the note that was written and the next date", async () => {
  const { onDone } = show();
  fireEvent.change(screen.getByLabelText("备注"), { target: { value: "明早再打" } });
  click(/明天/);
  fireEvent.keyDown(document.body, { key: "3" });
  await waitFor(() => expect(screen.getByText("点了就记下")).toBeTruthy());
  fireEvent.keyDown(document.body, { key: "2" });
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent[0]?.body).toMatchObject({ kind: "visit", result: "no_answer", note: "明早再打" });
  expect(sent[0]?.body.follow_up_on).toMatch(/^\d{4}-\d\d-\d\d$/);
  expect(localStorage.length).toBe(0);
});

it("begins anew with a call once something else was logged", async () => {
  const { onDone } = show();
  click(/上门/);
  click(/有争议/);
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent[0]?.body).toMatchObject({ kind: "visit" });
  expect(screen.getByRole("button", { name: /打电话/ }).getAttribute("aria-pressed")).toBe("true");
});

it("asks when, where somebody has promised to pay", async () => {
  const { onDone } = show();
  click(/打电话/);
  click(/承诺缴费/);
  expect(sent).toEqual([]);
  fireEvent.change(screen.getByLabelText("承诺哪天缴"), { target: { value: "2026-07-03" } });
  click(/^记下$/);
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent[0]?.body).toMatchObject({ result: "promised", promised_on: "2026-07-03" });
});

it("logs nothing without the day that was meant, where what was written is none", async () => {
  show();
  click(/打电话/);
  click(/选日期/);
  fireEvent.change(screen.getByLabelText("选日期"), { target: { value: "2026-06-29" } });
  expect(screen.getByRole("alert").textContent).toBe("不能早于 2026-06-30");
  expect((screen.getByRole("button", { name: /有争议/ }) as HTMLButtonElement).disabled).toBe(true);
  fireEvent.change(screen.getByLabelText("选日期"), { target: { value: "2026-07-01" } });
  click(/有争议/);
  await waitFor(() => expect(sent[0]?.body).toMatchObject({ result: "disputed", follow_up_on: "2026-07-01" }));
});

it("says before a contact what is to be minded", async () => {
  show();
  expect(await screen.findByText(/免打扰/)).toBeTruthy();
  expect(screen.getByText("今日短信 3/3")).toBeTruthy();
  expect(screen.getByText("在办投诉 1")).toBeTruthy();
  expect(screen.getByText(/李经理 · 打电话 · 无人接听/)).toBeTruthy();
});

it("keeps the text where saving failed, and tries the same request again", async () => {
  answers = [json({ error: "service_unavailable", zh: "暂时无法访问", en: "away", correlation_id: "c-1" }, 503)];
  const { onDone } = show();
  fireEvent.change(screen.getByLabelText("备注"), { target: { value: "很重要" } });
  click(/打电话/);
  click(/有争议/);
  expect(await screen.findByText("没保存上，内容还在。")).toBeTruthy();
  expect((screen.getByLabelText("备注") as HTMLTextAreaElement).value).toBe("很重要");
  expect(screen.getByText("编号 c-1")).toBeTruthy();
  click(/重 ?试/);
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent).toHaveLength(2);
  expect(sent[0]?.key).toBe(sent[1]?.key);
});

it("lets the person compare and choose where somebody was faster", async () => {
  answers = [json({ error: "changed_meanwhile", zh: "h1 刚改过", en: "h1 just changed this" }, 412)];
  const { onDone } = show();
  click(/打电话/);
  click(/有争议/);
  await screen.findByText("h1 刚改过");
  click(/对 ?比/);
  expect(await screen.findByText("h1")).toBeTruthy();
  click(/用我的/);
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(sent.map(({ read }) => read)).toEqual(['"4"', '"9"']);
});

it("drops what was entered where the other's shall hold", async () => {
  answers = [json({ error: "changed_meanwhile", zh: "h1 刚改过", en: "h1 just changed this" }, 412)];
  const { onCancel } = show();
  fireEvent.change(screen.getByLabelText("备注"), { target: { value: "不要了" } });
  click(/打电话/);
  click(/有争议/);
  await screen.findByText("h1 刚改过");
  click(/用对方的/);
  expect(onCancel).toHaveBeenCalledOnce();
  expect((screen.getByLabelText("备注") as HTMLTextAreaElement).value).toBe("");
});
