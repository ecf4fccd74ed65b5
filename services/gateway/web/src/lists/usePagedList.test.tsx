import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, renderHook, waitFor } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, it } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { usePagedList } from "./usePagedList";

const PAGE = 10;
let reads = 0;

function around({ children }: { children: ReactNode }) {
  return (
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>{children}</UndoProvider>
    </QueryClientProvider>
  );
}

const open = () =>
  renderHook(
    () =>
      usePagedList<{ id: string }>({
        queryKey: ["alerts", { customer: "c123,c456" }],
        read: async cursor => {
          reads += 1;
          const from = Number(cursor ?? 0);
          const rows = Array.from({ length: PAGE }, (_, at) => ({ id: `r${from + at}` }));
          return { rows, total: 500, next: String(from + PAGE), as_of: null, seconds_behind: 0 };
        },
        readThese: async () => ({ rows: [], total: 0, next: null, as_of: null, seconds_behind: 0 }),
        idOf: row => row.id,
        matches: () => true,
      }),
    { wrapper: around },
  );

async function readTo(n: number, list: ReturnType<typeof open>["result"]): Promise<void> {
  while (list.current.rows.length < n) {
    const { length } = list.current.rows;
    act(() => list.current.more());
    await waitFor(() => expect(list.current.rows.length).toBeGreaterThan(length));
  }
}

it("keeps of whom a search found nothing that can be read", async () => {
  const { result } = open();
  await waitFor(() => expect(result.current.rows).toHaveLength(PAGE));
  act(() => result.current.place.keep("r3"));
  expect(localStorage).toHaveLength(1);
  expect(JSON.stringify({ ...localStorage })).not.toMatch(/c123|c456/);
});

it("reads again for who comes back as far as they stood, not as far as they had been", async () => {
  const { result, unmount } = open();
  await waitFor(() => expect(result.current.rows).toHaveLength(PAGE));
  await readTo(8 * PAGE, result);
  act(() => result.current.place.keep("r12"));
  unmount();
  reads = 0;
  const again = open();
  await waitFor(() => expect(again.result.current.place.goTo).toBe("r12"));
  expect([reads, again.result.current.rows.length]).toEqual([3, 3 * PAGE]);
});
