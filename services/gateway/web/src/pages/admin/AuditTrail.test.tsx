import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { Folded } from "./AuditTrail";

it("a long object is folded, and whole at a click as plain text", async () => {
  const long = `city=410100 kind=arrears ${"<b>unit</b>=u-1 ".repeat(4)}`;
  render(<Folded text={long} label="Object" />);
  expect(document.querySelector("b")).toBeNull();
  fireEvent.click(screen.getByRole("button"));
  const told = await screen.findByRole("tooltip");
  expect(told.textContent).toContain(long.trim());
});

it("a short object stands as it is", () => {
  render(<Folded text="1000123" label="Object" />);
  expect(screen.queryByRole("button")).toBeNull();
  expect(screen.getByText("1000123")).toBeTruthy();
});
