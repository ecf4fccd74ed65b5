import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parseFilter } from "@/habits/filters";
import { FIELDS as ALERTS, queryOf } from "@/pages/alerts/fields";
import { FIELDS as WORK, queryOf as workQueryOf } from "@/pages/work/fields";
import { alertRow } from "@/test/alertRow";
import { belongs, FIELDS, LISTS, pathsOf, unitOf } from "./fields";
import { useAnnounced } from "./useAnnounced";

const filterOf = (search: string) => parseFilter(FIELDS, search).filter;
const SINCE = "2026-06-28T16:00:00+00:00";

describe("today's filter", () => {
  it("knows the units of an address", () => {
    expect([unitOf("me"), unitOf("unit:U11"), unitOf("unit:"), unitOf("")]).toEqual([
      undefined,
      "U11",
      undefined,
      undefined,
    ]);
  });

  it("tells which live alerts are of which list", () => {
    const fits = (search: string, which: keyof typeof LISTS, change = {}) =>
      belongs(alertRow(change), filterOf(search), LISTS[which], unit => unit === "u1");
    expect(fits("", "fresh")).toBe(true);
    expect(fits("", "known")).toBe(false);
    expect(fits("", "known", { state: "acted" })).toBe(true);
    expect(fits("", "fresh", { state: "resolved" })).toBe(false);
    expect(fits("?kind=churn_warning", "fresh")).toBe(false);
    expect(fits("?scope=unit:u1", "fresh")).toBe(true);
    expect(fits("?scope=unit:u2", "fresh", { unit_id: "u9" })).toBe(false);
  });

  it("leads from every number to the rows that it counts", () => {
    const paths = pathsOf(filterOf(""), SINCE);
    const asked = (path: string) => {
      const [page, query = ""] = path.split("?");
      return page === "/work"
        ? workQueryOf(parseFilter(WORK, `?${query}`).filter, "m1")
        : queryOf(parseFilter(ALERTS, `?${query}`).filter);
    };
    expect(asked(paths.open)).toMatchObject({ open: true, state: undefined, due: undefined });
    expect(asked(paths.overdue)).toMatchObject({ open: true, due: "overdue" });
    expect(asked(paths.atRisk)).toMatchObject({ open: true, kind: "churn_warning" });
    expect(asked(paths.raised)).toMatchObject({ open: undefined, state: undefined, since: SINCE });
    expect(asked(paths.resolved)).toMatchObject({ open: undefined, state: "resolved", changed_since: SINCE });
    expect(asked(paths.escalated)).toMatchObject({ open: true, escalated: true, changed_since: SINCE });
    expect(asked(paths.recovered)).toMatchObject({ open: undefined, kind: "arrears", outcome: "cleared" });
    expect(asked(paths.assigned)).toMatchObject({ holder: undefined, open: undefined, since: SINCE });
    expect(asked(paths.closed)).toMatchObject({ state: "closed", changed_since: SINCE });
    for (const path of Object.values(pathsOf(filterOf("?scope=unit:U11"), SINCE))) {
      expect(asked(path)).toMatchObject({ unit: "U11" });
    }
  });
});

describe("what a screen reader hears", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("is at once the first time, and then no more often than people can listen", () => {
    const { result, rerender } = renderHook(({ text }) => useAnnounced(text, 20_000), { initialProps: { text: "1" } });
    act(() => void vi.advanceTimersByTime(1));
    expect(result.current).toBe("1");
    for (const text of ["2", "3"]) {
      rerender({ text });
      act(() => void vi.advanceTimersByTime(5000));
    }
    expect(result.current).toBe("1");
    act(() => void vi.advanceTimersByTime(10_000));
    expect(result.current).toBe("3");
  });
});
