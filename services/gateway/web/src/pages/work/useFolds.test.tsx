import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import type { Group } from "./fields";
import { useFolds } from "./useFolds";

const groups = (...names: Group["name"][]): Group[] => names.map(name => ({ name, rows: [] }));

it("folds what is due later, but not what comes first: a list that holds something shows it", () => {
  const { result, rerender } = renderHook(({ shown }) => useFolds(shown), {
    initialProps: { shown: groups("today", "tomorrow", "week", "later") },
  });
  const open = () => ["today", "tomorrow", "week", "later"].filter(result.current.isOpen);
  expect(open()).toEqual(["today", "tomorrow"]);
  rerender({ shown: groups("week", "later") });
  expect(result.current.isOpen("week")).toBe(true);
  expect(result.current.isOpen("later")).toBe(false);
});

it("keeps what the person said of a group, wherever it stands", () => {
  const { result, rerender } = renderHook(({ shown }) => useFolds(shown), {
    initialProps: { shown: groups("week", "later") },
  });
  act(() => result.current.toggle("week"));
  expect(result.current.isOpen("week")).toBe(false);
  rerender({ shown: groups("today", "week") });
  expect(result.current.isOpen("week")).toBe(false);
});
