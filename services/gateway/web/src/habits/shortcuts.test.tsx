import { fireEvent, render } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { setPreferences } from "./preferences";
import { OverPage, type Shortcut, useActiveShortcuts, useShortcuts } from "./shortcuts";

function Page({ shortcuts }: { shortcuts: Shortcut[] }) {
  useShortcuts(shortcuts);
  return <input aria-label="note" />;
}

let listed: string[] = [];

function Listing() {
  listed = useActiveShortcuts().map(shortcut => shortcut.keys);
  return null;
}

function press(key: string, more: KeyboardEventInit = {}, target: Element = document.body): void {
  fireEvent.keyDown(target, { key, ...more });
}

describe("shortcuts", () => {
  it("run by one key, by two in a row and with Ctrl", () => {
    const [one, two, three] = [vi.fn(), vi.fn(), vi.fn()];
    render(
      <Page
        shortcuts={[
          { keys: "j", run: one },
          { keys: "g a", run: two },
          { keys: "Mod+k", run: three },
        ]}
      />,
    );
    press("j");
    press("g");
    press("a");
    press("a");
    press("k", { ctrlKey: true });
    expect([one, two, three].map(f => f.mock.calls.length)).toEqual([1, 1, 1]);
  });

  it("do nothing to the page below what stands over it", () => {
    const [below, over, pair] = [vi.fn(), vi.fn(), vi.fn()];
    const page = (
      <Page
        shortcuts={[
          { keys: "a", run: below },
          { keys: "g a", run: pair },
        ]}
      />
    );
    const { rerender } = render(
      <>
        <OverPage>
          <Page shortcuts={[{ keys: "1", run: over }]} />
        </OverPage>
        {page}
      </>,
    );
    for (const key of ["a", "1", "g", "a"]) {
      press(key);
    }
    expect([below, over, pair].map(f => f.mock.calls.length)).toEqual([0, 1, 0]);
    rerender(page);
    press("a");
    expect(below).toHaveBeenCalledOnce();
  });

  it("rest in inputs, but for those that send or leave", () => {
    const [plain, send] = [vi.fn(), vi.fn()];
    const { getByLabelText } = render(
      <Page
        shortcuts={[
          { keys: "a", run: plain },
          { keys: "Mod+Enter", inInputs: true, run: send },
        ]}
      />,
    );
    press("a", {}, getByLabelText("note"));
    press("Enter", { ctrlKey: true }, getByLabelText("note"));
    expect([plain.mock.calls.length, send.mock.calls.length]).toEqual([0, 1]);
  });

  it("rest while an input method composes a word", () => {
    const send = vi.fn();
    const { getByLabelText } = render(<Page shortcuts={[{ keys: "Mod+Enter", inInputs: true, run: send }]} />);
    press("Enter", { ctrlKey: true, isComposing: true }, getByLabelText("note"));
    press("Enter", { ctrlKey: true, keyCode: 229 }, getByLabelText("note"));
    expect(send).not.toHaveBeenCalled();
  });

  it("can be switched off, all but those with Ctrl and Escape", () => {
    setPreferences({ shortcuts: false });
    const [plain, search, leave] = [vi.fn(), vi.fn(), vi.fn()];
    render(
      <Page
        shortcuts={[
          { keys: "a", run: plain },
          { keys: "Mod+k", run: search },
          { keys: "Escape", run: leave },
        ]}
      />,
    );
    press("a");
    press("k", { ctrlKey: true });
    press("Escape");
    setPreferences({ shortcuts: true });
    expect([plain, search, leave].map(f => f.mock.calls.length)).toEqual([0, 1, 1]);
  });

  it("of what was opened last come first, and may let the key go on", () => {
    const [under, over] = [vi.fn(), vi.fn().mockReturnValueOnce(false)];
    render(<Page shortcuts={[{ keys: "Escape", run: under }]} />);
    render(<Page shortcuts={[{ keys: "Escape", run: over }]} />);
    press("Escape");
    press("Escape");
    expect([under.mock.calls.length, over.mock.calls.length]).toEqual([1, 2]);
  });

  it("are listed for the help while they hold", () => {
    render(<Listing />);
    const page = render(
      <Page
        shortcuts={[
          { keys: "x", label: "Select", run: () => undefined },
          { keys: "y", run: () => undefined },
        ]}
      />,
    );
    expect(listed).toEqual(["x"]);
    page.unmount();
    expect(listed).toEqual([]);
  });
});
