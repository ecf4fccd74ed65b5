import { act, renderHook } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { draftOf, forgetDrafts, useDraft } from "./drafts";
import { useKept, writeKept } from "./kept";
import { setOwner } from "./owner";

afterEach(() => setOwner(undefined));

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

it("shows what one person wrote and selected to no other, and to that person again", () => {
  const draft = () => renderHook(() => useDraft("work/W1/note")).result;
  const selected = () => renderHook(() => useKept<string[]>("work/selected", [])).result.current[0];
  setOwner("M1");
  const first = draft();
  act(() => first.current[1]("称周五缴清"));
  act(() => writeKept("work/selected", ["W1"]));
  setOwner("M10");
  expect([draft().current[0], selected()]).toEqual(["", []]);
  // The other signing out takes only their own away.
  forgetDrafts();
  setOwner("M1");
  expect([draft().current[0], selected()]).toEqual(["称周五缴清", ["W1"]]);
});

it("gives several items a draft of their own, whatever their order", () => {
  expect(draftOf(["W1"])).toBe("W1");
  expect(draftOf(["W2", "W1"])).toBe(draftOf(["W1", "W2"]));
  expect(draftOf(["W1", "W3"])).not.toBe(draftOf(["W1", "W2"]));
  expect(draftOf(["W1", "W3"])).not.toContain("W3");
});
