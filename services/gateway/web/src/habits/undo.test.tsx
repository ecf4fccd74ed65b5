import { act, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { UndoBar } from "@/components/UndoBar";
import { type Done, UndoProvider, useUndo } from "./undo";

let tell: (done: Done) => void;

function Doer() {
  tell = useUndo().tell;
  return null;
}

beforeEach(() => {
  vi.useFakeTimers();
  render(
    <UndoProvider>
      <Doer />
      <UndoBar />
    </UndoProvider>,
  );
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => act(() => vi.advanceTimersByTimeAsync(ms));

it("offers ten seconds to take something back, by z too", async () => {
  const undo = vi.fn(async () => undefined);
  act(() => tell({ text: "已知悉 12 条", undo }));
  expect(screen.getByText("已知悉 12 条")).toBeTruthy();
  fireEvent.keyDown(document.body, { key: "z" });
  await pass(10);
  expect(undo).toHaveBeenCalledOnce();
  expect(screen.getByText("已撤销")).toBeTruthy();
});

it("is over after ten seconds, later while somebody points at it", async () => {
  const undo = vi.fn(async () => undefined);
  act(() => tell({ text: "done", undo }));
  await pass(9000);
  fireEvent.pointerEnter(screen.getByText("done"));
  await pass(20_000);
  expect(screen.queryByText("done")).toBeTruthy();
  fireEvent.pointerLeave(screen.getByText("done"));
  await pass(10_100);
  expect(screen.queryByText("done")).toBeNull();
  fireEvent.keyDown(document.body, { key: "z" });
  expect(undo).not.toHaveBeenCalled();
});

it("says why it could not be taken back, and offers it again", async () => {
  const undo = vi.fn(async () => {
    throw new Problem(412, { zh: "王芳刚改过", en: "changed", correlation_id: "c-9" });
  });
  act(() => tell({ text: "done", undo }));
  fireEvent.keyDown(document.body, { key: "z" });
  await pass(10);
  expect(screen.getByText("没撤销成 · 王芳刚改过 · 编号 c-9")).toBeTruthy();
  expect(screen.getByRole("button", { name: "撤销 (z)" })).toBeTruthy();
});
