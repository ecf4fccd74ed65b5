import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { Replay } from "./Letters";

const PLAN = { replayed: ["a"], quarantined: ["b"], gone: [], cap: 100, selection: "s1" };
const asked: unknown[] = [];
let refused = false;

beforeEach(() => {
  asked.length = 0;
  refused = false;
  vi.stubGlobal("fetch", async (request: Request) => {
    const body = await request.json();
    asked.push(body);
    return refused && !body.dry_run
      ? Response.json({ error: "dry_run_needed", zh: "请先演练", en: "dry run" }, { status: 409 })
      : Response.json({ ...PLAN, dry_run: body.dry_run });
  });
});
afterEach(() => vi.unstubAllGlobals());

function show(ids: string[], onDone = vi.fn()) {
  const tree = (chosen: string[]) => (
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Replay key={chosen.join()} ids={chosen} cap={100} onDone={onDone} />
      </UndoProvider>
    </QueryClientProvider>
  );
  const { rerender } = render(tree(ids));
  return { onDone, choose: (chosen: string[]) => rerender(tree(chosen)) };
}

const button = (name: RegExp): HTMLButtonElement => screen.getByRole("button", { name });

it("replays only after a dry run of the same letters", async () => {
  const { onDone, choose } = show(["a", "b"]);
  expect(button(/重放/).disabled).toBe(true);
  fireEvent.click(button(/演练/));
  await screen.findByText("→ 能重放 1，已隔离 1（重放多次仍失败）");
  choose(["a"]);
  expect(button(/重放/).disabled).toBe(true);
  fireEvent.click(button(/演练/));
  await waitFor(() => expect(button(/重放 1 条/).disabled).toBe(false));
  fireEvent.click(button(/重放 1 条/));
  await waitFor(() => expect(onDone).toHaveBeenCalledOnce());
  expect(asked.at(-1)).toEqual({ ids: ["a"], dry_run: false, after: "s1" });
});

it("asks for another dry run where things have changed since", async () => {
  show(["a"]);
  refused = true;
  fireEvent.click(button(/演练/));
  await waitFor(() => expect(button(/重放 1 条/).disabled).toBe(false));
  fireEvent.click(button(/重放 1 条/));
  await screen.findByText("演练之后情况有变，请再演练一次。");
  expect(button(/重放/).disabled).toBe(true);
});
