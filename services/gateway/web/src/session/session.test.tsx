import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { readKept, writeKept } from "@/habits/kept";
import { setOwner } from "@/habits/owner";
import { SessionProvider, useSession } from "./session";

afterEach(() => setOwner(undefined));

function Page() {
  const { me } = useSession();
  return me && <p>{`${me.staff_no}: ${readKept<string>("alerts/current") ?? "nothing"}`}</p>;
}

const show = (staffNo: string) => {
  vi.stubGlobal("fetch", async () => Response.json({ staff_no: staffNo, name: null, role: "manager" }));
  return render(
    <QueryClientProvider client={new QueryClient()}>
      <SessionProvider>
        <Page />
      </SessionProvider>
    </QueryClientProvider>,
  );
};

it("finds what the person who signed in has kept, and not what another has", async () => {
  setOwner("M1");
  writeKept("alerts/current", "a1");
  const { unmount } = show("M2");
  expect(await screen.findByText("M2: nothing")).toBeTruthy();
  unmount();
  show("M1");
  expect(await screen.findByText("M1: a1")).toBeTruthy();
});

it("begins anew where somebody else has signed in, in another tab: nothing of the page is theirs", async () => {
  const reload = vi.fn();
  vi.stubGlobal("location", { ...location, href: location.href, origin: location.origin, reload });
  setOwner("M1");
  writeKept("alerts/current", "a1");
  const client = new QueryClient();
  vi.stubGlobal("fetch", async () => Response.json({ staff_no: "M1", name: null, role: "manager" }));
  render(
    <QueryClientProvider client={client}>
      <SessionProvider>
        <Page />
      </SessionProvider>
    </QueryClientProvider>,
  );
  await screen.findByText("M1: a1");
  act(() => client.setQueryData(["session"], { staff_no: "M2", name: null, role: "manager" }));
  await waitFor(() => expect(reload).toHaveBeenCalledOnce());
  expect(screen.getByText("M1: a1")).toBeTruthy();
});
