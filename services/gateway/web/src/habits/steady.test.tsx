import { act, renderHook } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { changed, extended, type Steady, steady, useSteady, without } from "./steady";

interface Row {
  id: string;
  state: "open" | "done";
  n: number;
}

const RULES = { idOf: (row: Row) => row.id, matches: (row: Row) => row.state === "open" };
const row = (id: string, n = 0, state: Row["state"] = "open"): Row => ({ id, n, state });
const ids = (rows: readonly Row[]): string => rows.map(each => `${each.id}${each.n || ""}`).join(" ");
const shown = ({ rows, waiting, leaving }: Steady<Row>): string =>
  `${ids(rows)} | ${ids(waiting)} | ${[...leaving].join(" ")}`;

const LIST = steady([row("a"), row("b"), row("c")]);

describe("a list under live changes", () => {
  it("changes a row in its place", () => {
    expect(shown(changed(LIST, [row("b", 2)], RULES))).toBe("a b2 c |  | ");
  });

  it("lets new rows wait, the newest first, once each and as they are now", () => {
    const one = changed(LIST, [row("x"), row("y")], RULES);
    expect(shown(one)).toBe("a b c | y x | ");
    expect(shown(changed(one, [row("x", 2), row("z")], RULES))).toBe("a b c | z x2 y | ");
  });

  it("takes a waiting row away that no longer matches", () => {
    const one = changed(LIST, [row("x")], RULES);
    expect(shown(changed(one, [row("x", 2, "done")], RULES))).toBe("a b c |  | ");
  });

  it("takes away at once what may not be seen any more, wherever it stands", () => {
    const one = changed(LIST, [row("b", 2, "done"), row("x"), row("y")], RULES);
    expect(shown(without(one, ({ id }) => ["b", "x", "z"].includes(id), RULES))).toBe("a c | y | ");
    expect(without(one, () => false, RULES)).toBe(one);
  });

  it("counts what was taken away of what was read, and not what only waited", () => {
    const one = changed(LIST, [row("b", 2, "done"), row("x")], RULES);
    const two = without(one, ({ id }) => ["b", "x"].includes(id), RULES);
    expect([one.gone, two.gone, two.leaving.size]).toEqual([0, 1, 0]);
    expect(changed(two, [row("a", 2)], RULES).gone).toBe(1);
  });

  it("keeps a row that no longer matches, marked, and unmarks it when it comes back", () => {
    const one = changed(LIST, [row("b", 2, "done")], RULES);
    expect(shown(one)).toBe("a b2 c |  | b");
    expect(shown(changed(one, [row("b", 3)], RULES))).toBe("a b3 c |  | ");
  });

  it("takes the last of several changes of one row", () => {
    expect(shown(changed(LIST, [row("b", 2, "done"), row("b", 3)], RULES))).toBe("a b3 c |  | ");
  });

  it("cares for nothing that is not its own", () => {
    expect(shown(changed(LIST, [row("x", 1, "done")], RULES))).toBe("a b c |  | ");
    expect(changed(LIST, [], RULES)).toBe(LIST);
  });

  it("grows at its end, by what it does not have", () => {
    const one = changed(LIST, [row("x")], RULES);
    expect(shown(extended(one, [row("c", 9), row("x", 9), row("d")], RULES))).toBe("a b c d | x | ");
  });

  it("begins anew when it is read anew", () => {
    const { result, rerender } = renderHook(({ read }) => useSteady(read, RULES), {
      initialProps: { read: LIST.rows },
    });
    act(() => result.current.change([row("x"), row("a", 1, "done")]));
    expect(shown(result.current)).toBe("a1 b c | x | a");
    rerender({ read: [row("x"), row("b"), row("c")] });
    expect(shown(result.current)).toBe("x b c |  | ");
    act(() => result.current.change([row("c", 5)]));
    act(() => result.current.extend([row("d")]));
    expect(shown(result.current)).toBe("x b c5 d |  | ");
  });
});
