import { describe, expect, it } from "vitest";
import { readRows, writeRows } from "./address";

describe("rows in an address", () => {
  it("come back as they were", () => {
    const asked = {
      list: "alerts" as const,
      filter: { kind: "arrears", since: "2026-06-01T00:00:00+00:00", age: "91-" },
      count: 37,
    };
    expect(readRows(writeRows(asked))).toEqual(asked);
    const through = new URLSearchParams(new URLSearchParams({ at: writeRows(asked) }).toString()).get("at");
    expect(readRows(through)).toEqual(asked);
  });

  it.each([null, "", "x~1~a=b", "alerts", "alerts~1", "~~"])("%s is none", text => {
    expect(readRows(text)).toBeUndefined();
  });
});
