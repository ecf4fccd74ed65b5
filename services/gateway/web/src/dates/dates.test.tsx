import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { useState } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { dayOf } from "@/format";
import { setBusinessClock } from "@/habits/clock";
import { setPreferences } from "@/habits/preferences";
import { DateField } from "./DateField";

const YEARS: Record<string, object> = {
  2026: {
    year: 2026,
    announced: true,
    days: [
      { date: "2026-02-14", kind: "workday", name_zh: "春节", name_en: "Spring Festival" },
      { date: "2026-02-17", kind: "holiday", name_zh: "春节", name_en: "Spring Festival" },
    ],
  },
};
let isAway: boolean;
// A calendar is many elements, and a busy machine is slow at them.
vi.setConfig({ testTimeout: 20_000 });

beforeEach(() => {
  isAway = false;
  setBusinessClock(Date.parse("2026-02-10T16:30:00Z"), false);
  vi.stubGlobal("fetch", async (request: Request) => {
    const year = new URL(request.url).pathname.split("/").at(-1) as string;
    const body = isAway
      ? { error: "away", zh: "不在", en: "away" }
      : (YEARS[year] ?? { year, announced: false, days: [] });
    return new Response(JSON.stringify(body), {
      status: isAway ? 503 : 200,
      headers: { "Content-Type": "application/json" },
    });
  });
});
afterEach(() => {
  setBusinessClock(Date.now(), true);
  setPreferences({ language: "zh" });
});

interface Given {
  value?: string;
  min?: string;
  max?: string;
  clock?: "system";
}

type Told = (day: string | null) => void;

/** A page that takes what its field says. */
function Holder({ value, told, ...bounds }: Given & { told: Told }) {
  const [day, setDay] = useState<string | null>(value ?? "");
  const take = (next: string | null): void => {
    told(next);
    setDay(next);
  };
  return (
    <>
      <DateField label="回访日期" value={day ?? ""} onChange={take} allowClear {...bounds} />
      <button type="button" onClick={() => setDay("2026-03-09")}>
        别处
      </button>
    </>
  );
}

function show(given: Given = {}) {
  const told = vi.fn<Told>();
  render(
    <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
      <Holder {...given} told={told} />
    </QueryClientProvider>,
  );
  return { told, user: userEvent.setup() };
}

const field = (): HTMLInputElement => screen.getByLabelText("回访日期");
const opener = (): HTMLElement => screen.getByLabelText(/打开日历|open the calendar/);
/** A day of the open calendar, which comes as a piece of its own. */
const day = (date: string): Promise<HTMLElement> =>
  vi.waitFor(
    () => {
      const found = document.querySelector<HTMLElement>(`[data-day="${date}"] button`);
      if (!found) {
        throw new Error(`${date} is not there`);
      }
      return found;
    },
    { timeout: 4000 },
  );

it("takes a date as people write it", async () => {
  const { told, user } = show();
  await user.type(field(), "2月28日");
  expect(told).toHaveBeenLastCalledWith("2026-02-28");
  expect(field().value).toBe("2026-02-28");
  await user.clear(field());
  await user.type(field(), "3-2{Enter}");
  expect(told).toHaveBeenLastCalledWith("2026-03-02");
  await user.clear(field());
  await user.tab();
  expect(told).toHaveBeenLastCalledWith("");
});

it("offers the system's day where days are of that clock", async () => {
  const { told, user } = show({ clock: "system" });
  await user.click(opener());
  await user.click(await screen.findByRole("button", { name: "今天" }, { timeout: 10_000 }));
  expect(told).toHaveBeenLastCalledWith(dayOf(Date.now()));
});

it("says why a day can't be taken, keeps what was written, and takes it when it is mended", async () => {
  const { told, user } = show({ min: "2026-02-11" });
  await user.type(field(), "2026-02-30");
  expect(screen.getByRole("alert").textContent).toBe("请写成 2026-07-03 或 7月3日");
  expect(told).toHaveBeenLastCalledWith(null);
  expect(field().value).toBe("2026-02-30");
  expect(field().getAttribute("aria-invalid")).toBe("true");
  await user.clear(field());
  await user.type(field(), "20260210");
  expect(screen.getByRole("alert").textContent).toBe("不能早于 2026-02-11");
  await user.clear(field());
  await user.tab();
  expect(told).toHaveBeenLastCalledWith("");
  expect(screen.queryByRole("alert")).toBeNull();
});

it("leaves a word alone that an input method still composes", () => {
  const { told } = show();
  fireEvent.compositionStart(field());
  fireEvent.input(field(), { target: { value: "2026年2月3日" }, isComposing: true });
  fireEvent.keyDown(field(), { key: "Enter", keyCode: 229, isComposing: true });
  expect(told).not.toHaveBeenCalled();
  fireEvent.compositionEnd(field());
  expect(told).toHaveBeenLastCalledWith("2026-02-03");
});

it("a day from elsewhere takes the place of what was being written", async () => {
  const { user } = show({ value: "2026-02-12" });
  await user.type(field(), "x");
  await user.click(screen.getByRole("button", { name: "别处" }));
  expect(field().value).toBe("2026-03-09");
  expect(screen.queryByRole("alert")).toBeNull();
});

it("marks holidays and the weekends worked for them, weeks from Monday, with the lunar date", async () => {
  const { told, user } = show();
  await user.click(opener());
  const holiday = await day("2026-02-17");
  await waitFor(() => expect(holiday.textContent).toBe("17休正月"));
  expect(holiday.title).toBe("春节，休 · 农历正月初一");
  expect(holiday.getAttribute("aria-label")).toBe("2026年2月17日 星期二，春节，休 · 农历正月初一");
  expect((await day("2026-02-14")).title).toBe("春节调休，上班 · 农历腊月廿七");
  expect([...document.querySelectorAll("thead th")].map(each => each.textContent).join("")).toBe("一二三四五六日");
  const today = await day("2026-02-11");
  expect(today.getAttribute("aria-label")).toContain("今天");
  expect(document.activeElement).toBe(today);
  await user.click(holiday);
  expect(told).toHaveBeenLastCalledWith("2026-02-17");
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(document.activeElement).toBe(opener());
});

it("says it in English", async () => {
  setPreferences({ language: "en" });
  const { user } = show();
  await user.click(opener());
  const worked = await day("2026-02-14");
  await waitFor(() => expect(worked.textContent).toBe("14班"));
  expect(worked.getAttribute("aria-label")).toBe(
    "Saturday, February 14th, 2026, Working day in lieu of Spring Festival · Lunar 12/27",
  );
});

it("is walked by keys, across months, within its bounds, and closes alone", async () => {
  const outer = vi.fn();
  window.addEventListener("keydown", outer);
  const { told, user } = show({ value: "2026-02-27", min: "2026-02-11", max: "2026-03-20" });
  act(() => field().focus());
  await user.keyboard("{ArrowDown}");
  const chosen = await day("2026-02-27");
  await waitFor(() => expect(document.activeElement).toBe(chosen));
  outer.mockClear();
  await user.keyboard("{ArrowDown}{ArrowRight}");
  expect(document.activeElement).toBe(await day("2026-03-07"));
  expect((await day("2026-03-21")).hasAttribute("disabled")).toBe(true);
  await user.keyboard("j{Escape}");
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(document.activeElement).toBe(field());
  expect(outer).not.toHaveBeenCalled();
  await user.keyboard("{ArrowDown}");
  await waitFor(async () => expect(document.activeElement).toBe(await day("2026-02-27")));
  await user.keyboard("{ArrowUp}{Enter}");
  expect(told).toHaveBeenLastCalledWith("2026-02-20");
  window.removeEventListener("keydown", outer);
});

it("says that a year is not announced", async () => {
  const { user } = show({ value: "2027-05-01" });
  await user.click(opener());
  expect(await screen.findByText("假期未公布")).toBeTruthy();
});

it("says that holidays could not be read", async () => {
  isAway = true;
  const { user } = show();
  await user.click(opener());
  expect(await screen.findByText("假期没读出来")).toBeTruthy();
});

it("closes when one presses or goes elsewhere", async () => {
  const { user } = show();
  await user.click(opener());
  await day("2026-02-11");
  await user.click(screen.getByRole("button", { name: "别处" }));
  expect(screen.queryByRole("dialog")).toBeNull();
});

it("is clean for who listens", async () => {
  const { user } = show({ value: "2026-02-17" });
  await user.click(opener());
  expect((await day("2026-02-17")).getAttribute("aria-label")).toContain("已选");
  const dialog = screen.getByRole("dialog", { name: "回访日期：日历" });
  expect(within(dialog).getByRole("grid", { name: "2026年2月" })).toBeTruthy();
  const { violations } = await axe.run(document.body, { rules: { region: { enabled: false } } });
  expect(violations.map(each => `${each.id}: ${each.nodes[0]?.html}`)).toEqual([]);
});
