import { fireEvent, render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { DataCards } from "./DataCards";
import type { Column } from "./DataTable";

interface Row {
  id: string;
  name: string;
  reason: string;
}
const rows: Row[] = [
  { id: "a", name: "First", reason: "<b>why</b>" },
  { id: "b", name: "Second", reason: "" },
];
const columns: Column<Row>[] = [
  { key: "name", title: "Name", width: 100, render: row => row.name },
  { key: "reason", title: "Reason", width: 100, render: row => row.reason },
];

it("shows every column of a row below each other, and opens it", () => {
  const onOpen = vi.fn();
  render(<DataCards label="Rows" rows={rows} idOf={row => row.id} columns={columns} onOpen={onOpen} />);
  expect(screen.getByText("<b>why</b>")).toBeTruthy();
  // What is empty has no line.
  expect(screen.getAllByText("Reason")).toHaveLength(1);
  fireEvent.click(screen.getByRole("button", { name: "Second" }));
  expect(onOpen).toHaveBeenCalledWith(rows[1]);
});

it("selects one, all and none", () => {
  const onSelect = vi.fn();
  const { rerender } = render(
    <DataCards label="Rows" rows={rows} idOf={row => row.id} columns={columns} onSelect={onSelect} selected={[]} />,
  );
  const [all, , second] = screen.getAllByRole("checkbox");
  fireEvent.click(second as HTMLElement);
  expect(onSelect).toHaveBeenLastCalledWith(["b"]);
  fireEvent.click(all as HTMLElement);
  expect(onSelect).toHaveBeenLastCalledWith(["a", "b"]);
  rerender(
    <DataCards
      label="Rows"
      rows={rows}
      idOf={row => row.id}
      columns={columns}
      onSelect={onSelect}
      selected={["a", "b"]}
    />,
  );
  fireEvent.click(screen.getAllByRole("checkbox")[0] as HTMLElement);
  expect(onSelect).toHaveBeenLastCalledWith([]);
});
