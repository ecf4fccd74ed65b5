import { describe, expect, it } from "vitest";
import { common, count, type Messages, word } from ".";

/** Every table of the project: the common one, and those that pages and modules export from a `messages.ts`. */
const found = import.meta.glob<Record<string, Messages<object>>>("../**/messages.ts", { eager: true });
const tables: [string, Messages<object>][] = [
  ["common", common],
  ...Object.entries(found).flatMap(([path, module]) =>
    Object.entries(module).map(([name, table]): [string, Messages<object>] => [`${path} ${name}`, table]),
  ),
];

function leaves(table: object, path = ""): [string, unknown][] {
  return Object.entries(table).flatMap(([key, value]) =>
    typeof value === "object" ? leaves(value as object, `${path}${key}.`) : [[`${path}${key}`, value]],
  );
}

describe.each(tables)("%s", (_, { zh, en }) => {
  const [chinese, english] = [new Map(leaves(zh)), new Map(leaves(en))];

  it("has the same keys in both languages", () => {
    expect([...english.keys()]).toEqual([...chinese.keys()]);
  });

  it("has a text, or a function of as many values, for each", () => {
    for (const [key, text] of chinese) {
      const other = english.get(key);
      expect(typeof other, key).toBe(typeof text);
      if (typeof text === "function") {
        expect((other as (...a: never[]) => string).length, key).toBe(text.length);
      } else {
        expect(text, key).not.toBe("");
        expect(other, key).not.toBe("");
      }
    }
  });
});

it("says a wire value that is new as it is", () => {
  expect(word(common.zh.kind, "arrears")).toBe("欠费");
  expect(word(common.zh.kind, "port_out")).toBe("port_out");
  expect(word(common.zh.kind, "constructor")).toBe("constructor");
});

it("counts in English", () => {
  expect([count(1, "alert"), count(0, "alert"), count(1200, "city", "cities")]).toEqual([
    "1 alert",
    "0 alerts",
    "1,200 cities",
  ]);
});
