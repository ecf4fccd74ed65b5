import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoBar } from "@/components/UndoBar";
import { UndoProvider } from "@/habits/undo";
import { type AlertCommands, AT_ONCE, inParts, type RowResults, refusals, useAlertCommands } from "./commands";

let asked: { path: string; ids: string[]; key: string | null }[];
let refused: Record<string, string>;
let lost: number;
let commands: AlertCommands;
const states: [string[], string][] = [];

function Doer() {
  commands = useAlertCommands((ids, state) => states.push([[...ids], state]));
  return null;
}

beforeEach(() => {
  asked = [];
  refused = {};
  lost = 0;
  states.length = 0;
  vi.stubGlobal("fetch", async (request: Request) => {
    const { ids } = (await request.json()) as { ids: string[] };
    asked.push({ path: new URL(request.url).pathname, ids, key: request.headers.get("Idempotency-Key") });
    if (lost-- > 0) {
      throw new TypeError("the answer was lost");
    }
    const results = ids.map(id =>
      refused[id] ? { id, result: "refused", zh: refused[id], en: "no" } : { id, result: "done" },
    );
    const body: RowResults = {
      done: results.filter(row => row.result === "done").length,
      refused: results.filter(row => row.result === "refused").length,
      results: results as RowResults["results"],
    };
    return new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Doer />
        <UndoBar />
      </UndoProvider>
    </QueryClientProvider>,
  );
});
afterEach(() => vi.unstubAllGlobals());

it("acknowledges many in one request, and takes all of them back by z", async () => {
  await act(() => commands.acknowledge(["a1", "a2", "a3"]));
  expect(asked).toMatchObject([{ path: "/v1/alerts/acknowledge", ids: ["a1", "a2", "a3"] }]);
  expect(asked[0]?.key).toBeTruthy();
  expect(screen.getByText("已知悉 3 条")).toBeTruthy();
  fireEvent.keyDown(document.body, { key: "z" });
  await waitFor(() => expect(screen.getByText("已撤销")).toBeTruthy());
  expect(asked[1]).toMatchObject({ path: "/v1/alerts/unacknowledge", ids: ["a1", "a2", "a3"] });
  expect(states).toEqual([
    [["a1", "a2", "a3"], "acknowledged"],
    [["a1", "a2", "a3"], "raised"],
  ]);
});

it("says which were refused and why; only the others are taken back", async () => {
  refused = { a2: "工单已关闭" };
  await act(() => commands.acknowledge(["a1", "a2"]));
  expect(screen.getByText("已知悉 1 条，1 条没成：工单已关闭")).toBeTruthy();
  fireEvent.keyDown(document.body, { key: "z" });
  await waitFor(() => expect(asked).toHaveLength(2));
  expect(asked[1]?.ids).toEqual(["a1"]);
});

it("says why where it can't be taken back any more", async () => {
  await act(() => commands.acknowledge(["a1"]));
  refused = { a1: "此后已有变化，不能撤销" };
  fireEvent.keyDown(document.body, { key: "z" });
  await waitFor(() => expect(screen.getByText(/没撤销成 · 此后已有变化，不能撤销/)).toBeTruthy());
});

it("asks for no more at once than a request takes", async () => {
  const ids = Array.from({ length: AT_ONCE + 5 }, (_, n) => `a${n}`);
  const parts: number[] = [];
  const whole = await inParts(ids, async part => {
    parts.push(part.length);
    return { done: part.length, refused: 0, results: part.map(id => ({ id, result: "done" })) } as never;
  });
  expect([parts, whole.done, whole.results.length]).toEqual([[AT_ONCE, 5], AT_ONCE + 5, AT_ONCE + 5]);
});

it("tells each reason once", () => {
  const row = (id: string, zh: string) => ({ id, result: "refused" as const, zh, en: "x" });
  const found = { done: 0, refused: 3, results: [row("1", "没有"), row("2", "没有"), row("3", "关了")] } as RowResults;
  expect(refusals(found, "zh")).toBe("没有 ×2；关了");
});

it("asks under the same key again where the answer was lost, and under another once it was done or is another", async () => {
  const to = { id: "m2", name: "王芳" };
  lost = 1;
  expect(await act(() => commands.handOver(["a1", "a2"], to, "note"))).toEqual([]);
  expect(await act(() => commands.handOver(["a1", "a2"], to, "note"))).toEqual(["a1", "a2"]);
  await act(() => commands.handOver(["a1", "a2"], to, "note"));
  await act(() => commands.handOver(["a1", "a2"], to, "another"));
  const [first, second, third, fourth] = asked.map(({ key }) => key);
  expect(first).toBe(second);
  expect(new Set([second, third, fourth]).size).toBe(3);
});
