import { expect, it } from "vitest";
import { allowedIn, missingIn, variablesOf } from "./variables";

it("finds variables while somebody types", () => {
  expect(variablesOf("{name}，欠{debt}元，{nmae} {name}", "arrears")).toEqual({
    known: ["name", "debt"],
    strange: ["nmae"],
    isOpen: false,
  });
  expect(variablesOf("{name", "arrears").isOpen).toBe(true);
  expect(variablesOf("name}", "arrears").isOpen).toBe(true);
  expect(variablesOf("{{name}} {}", "arrears")).toEqual({ known: [], strange: [""], isOpen: false });
});

it("knows which a kind has, and what one language lacks", () => {
  expect(allowedIn("manual")).toEqual(["text"]);
  expect(variablesOf("{name}{text}", "manual")).toMatchObject({ known: ["text"], strange: ["name"] });
  expect(missingIn("Dear {name}", "尊敬的{name}，{debt}", "arrears")).toEqual(["debt"]);
  expect(missingIn("{debt}{name}", "{name}", "arrears")).toEqual([]);
});
