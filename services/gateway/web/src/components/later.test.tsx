import { fireEvent, render, screen } from "@testing-library/react";
import { beforeEach, expect, it, vi } from "vitest";
import { later } from "./later";

beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => undefined));

it("tells in its place that a part did not come, and asks for it anew", async () => {
  const load = vi
    .fn(async () => ({ name }: { name: string }) => <p>here is {name}</p>)
    .mockRejectedValueOnce(new TypeError("Failed to fetch dynamically imported module"));
  const Part = later(load);
  render(
    <>
      <p>the list</p>
      <Part what="面板" name="A1" frame={told => <section aria-label="frame">{told}</section>} />
    </>,
  );
  fireEvent.click(await screen.findByRole("button", { name: /重 ?试/ }));
  expect(await screen.findByText("here is A1")).toBeTruthy();
  expect(screen.getByText("the list")).toBeTruthy();
  expect(screen.queryByLabelText("frame")).toBeNull();
  expect(load).toHaveBeenCalledTimes(2);
});

it("asks anew when it is shown again", async () => {
  const load = vi.fn(async () => () => <p>here</p>).mockRejectedValueOnce(new TypeError("Failed to fetch"));
  const Part = later(load);
  const { unmount } = render(<Part what="面板" />);
  await screen.findByRole("alert");
  unmount();
  render(<Part what="面板" />);
  expect(await screen.findByText("here")).toBeTruthy();
});
