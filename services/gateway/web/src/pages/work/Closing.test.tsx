import { act, fireEvent, render, screen } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { Closing } from "./Closing";

it("is not given up while it is being saved: the answer would close the next box", async () => {
  let answer: (isSaved: boolean) => void = () => undefined;
  const onConfirm = vi.fn(
    () =>
      new Promise<boolean>(done => {
        answer = done;
      }),
  );
  const onClose = vi.fn();
  render(<Closing kinds={["dunning"]} ids={["w1"]} onClose={onClose} onConfirm={onConfirm} />);
  fireEvent.keyDown(document.body, { key: "1" });
  fireEvent.keyDown(document.body, { key: "Enter", ctrlKey: true });
  expect(onConfirm).toHaveBeenCalledOnce();
  const leave = () => fireEvent.keyDown(screen.getByRole("dialog"), { key: "Escape", code: "Escape", keyCode: 27 });
  leave();
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(onClose).not.toHaveBeenCalled();
  await act(async () => answer(false));
  leave();
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(onClose).toHaveBeenCalled();
});
