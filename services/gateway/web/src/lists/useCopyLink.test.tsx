import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { beforeEach, expect, it, vi } from "vitest";
import { UndoBar } from "@/components/UndoBar";
import { UndoProvider } from "@/habits/undo";
import { useCopy, useCopyLink } from "./useCopyLink";
import { useFound } from "./useFound";

let copied: string[];
let customers: { customer_id: string }[];

beforeEach(() => {
  copied = [];
  vi.stubGlobal("fetch", async () => Response.json({ customers, items: [] }));
  vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: async (link: string) => copied.push(link) } });
});

let copy: (path: string) => Promise<void>;

function List({ text }: { text: string }) {
  const { ids, forOthers } = useFound(text);
  useCopyLink(forOthers);
  copy = useCopy();
  return ids && <p>{`found ${ids.length}`}</p>;
}

const show = (text: string) =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter initialEntries={["/alerts?kind=arrears"]}>
        <UndoProvider>
          <List text={text} />
          <UndoBar />
        </UndoProvider>
      </MemoryRouter>
    </QueryClientProvider>,
  );

it("copies whom a search found, and says so where that is nobody: such a link would show everybody", async () => {
  customers = [{ customer_id: "c1" }, { customer_id: "c2" }];
  const { unmount } = show("王");
  await screen.findByText("found 2");
  fireEvent.keyDown(document.body, { key: "y" });
  await waitFor(() => expect(copied).toEqual([`${location.origin}/alerts?kind=arrears&customer=c1,c2`]));
  unmount();
  customers = [];
  show("nobody");
  await screen.findByText("found 0");
  fireEvent.keyDown(document.body, { key: "y" });
  expect(await screen.findByText("没有找到客户，没有可复制的链接")).toBeTruthy();
  expect(copied).toHaveLength(1);
});

it("shows the link where a browser has no clipboard", async () => {
  vi.stubGlobal("navigator", { ...navigator, clipboard: undefined });
  show("");
  await act(() => copy("/alerts/a1"));
  expect(screen.getByText(`${location.origin}/alerts/a1`)).toBeTruthy();
});
