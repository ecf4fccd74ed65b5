import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { forgetDrafts, useDraft } from "./drafts";

it("keeps what was written until it is saved", () => {
  const first = renderHook(() => useDraft("work/W1/note"));
  act(() => first.result.current[1]("称周五缴清"));
  first.unmount();
  const second = renderHook(() => useDraft("work/W1/note"));
  expect(second.result.current[0]).toBe("称周五缴清");
  act(() => second.result.current[2]());
  expect(renderHook(() => useDraft("work/W1/note")).result.current[0]).toBe("");
});

it("shows each item its own", () => {
  const { result, rerender } = renderHook(({ id }) => useDraft(`work/${id}/note`), { initialProps: { id: "W1" } });
  act(() => result.current[1]("one"));
  rerender({ id: "W2" });
  expect(result.current[0]).toBe("");
  act(() => result.current[1]("two"));
  rerender({ id: "W1" });
  expect(result.current[0]).toBe("one");
});

it("leaves nothing behind when the person signs out", () => {
  const { result } = renderHook(() => useDraft("a"));
  act(() => result.current[1]("text"));
  localStorage.setItem("other", "stays");
  forgetDrafts();
  expect({ ...localStorage }).toEqual({ other: "stays" });
});
