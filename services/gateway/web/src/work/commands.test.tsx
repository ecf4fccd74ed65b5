import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render } from "@testing-library/react";
import { expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { useWorkCommands, type WorkCommands } from "./commands";

let commands: WorkCommands;

function Doer() {
  commands = useWorkCommands(() => undefined);
  return null;
}

it("asks under the same key again where the answer was lost: what was saved is not told as not saved", async () => {
  const keys: (string | null)[] = [];
  vi.stubGlobal("fetch", async (request: Request) => {
    keys.push(request.headers.get("Idempotency-Key"));
    if (keys.length === 1) {
      throw new TypeError("the answer was lost");
    }
    return Response.json({ done: 1, refused: 0, results: [{ id: "w1", result: "done" }] });
  });
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UndoProvider>
        <Doer />
      </UndoProvider>
    </QueryClientProvider>,
  );
  expect(await act(() => commands.close(["w1"], "paid" as never))).toBe(false);
  expect(await act(() => commands.close(["w1"], "paid" as never))).toBe(true);
  await act(() => commands.close(["w1"], "paid" as never));
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[1]);
});
