import { renderHook } from "@testing-library/react";
import { act } from "react";
import { describe, expect, it } from "vitest";
import { useColumns } from "./columns";
import { queryOf } from "./views";

describe("a saved view", () => {
  it("keeps the filter, not what is open in it", () => {
    expect(queryOf("?kind=arrears,churn_warning&item=a1&view=v1&sort=-due")).toBe(
      "kind=arrears,churn_warning&sort=-due",
    );
    expect(queryOf("")).toBe("");
  });
});

describe("chosen columns", () => {
  it("are kept, and go back to those that the list comes with", () => {
    const { result } = renderHook(() => useColumns("alerts"));
    expect(result.current[0]).toBeNull();
    act(() => result.current[1](["reason", "due"]));
    expect(renderHook(() => useColumns("alerts")).result.current[0]).toEqual(["reason", "due"]);
    expect(renderHook(() => useColumns("work")).result.current[0]).toBeNull();
    act(() => result.current[1](null));
    expect(renderHook(() => useColumns("alerts")).result.current[0]).toBeNull();
  });

  it("are those of the list where something else was kept", () => {
    localStorage.setItem("kam.columns.alerts", '{"a":1}');
    expect(renderHook(() => useColumns("alerts")).result.current[0]).toBeNull();
    localStorage.setItem("kam.columns.alerts", "[");
    expect(renderHook(() => useColumns("alerts")).result.current[0]).toBeNull();
  });
});
