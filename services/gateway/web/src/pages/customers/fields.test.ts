import { expect, test } from "vitest";
import { filterQuery, parseFilter } from "@/habits/filters";
import { FIELDS, queryOf } from "./fields";

test("what an address asks for is what the server is asked", () => {
  const { filter, unknown } = parseFilter(FIELDS, "?status=suspended,active&unit=U1&sort=-fee&kind=nobody");
  expect(unknown).toEqual(["kind=nobody"]);
  expect(queryOf(filter)).toEqual({ status: "suspended,active", unit: "U1" });
  expect(queryOf(filter, ["c1", "c2"]).customer).toBe("c1,c2");
  expect(filterQuery(FIELDS, filter)).toBe("?status=suspended,active&unit=U1&sort=-fee");
});
