import { expect, it } from "vitest";
import { safeNext } from "./next";

it.each([
  ["/alerts?kind=arrears#q=x", "/alerts?kind=arrears#q=x"],
  ["/why/file:BILL_1.dat.gz%2317", "/why/file:BILL_1.dat.gz%2317"],
  [null, "/"],
  ["", "/"],
  ["alerts", "/"],
  ["//evil.example/x", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["javascript:alert(1)", "/"],
  ["/ /evil.example", "/"],
  ["/signin?next=/signin", "/"],
])("after signing in, %s leads to %s", (next, to) => expect(safeNext(next)).toBe(to));
