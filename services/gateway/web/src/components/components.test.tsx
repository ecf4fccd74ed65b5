import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { fireEvent, render, screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { setBusinessClock } from "@/habits/clock";
import { BlockError } from "./BlockError";
import { Boundary } from "./Boundary";
import { ChartCard } from "./ChartCard";
import { Deadline } from "./Deadline";
import { MicroChart, runs } from "./MicroChart";
import { QueryBlock } from "./QueryBlock";
import { Sentence } from "./Sentence";
import { SeverityTag } from "./SeverityTag";
import { Stars } from "./Stars";
import { StateTag } from "./StateTag";
import { TextFilter } from "./TextFilter";
import { ShortTime, SystemTime } from "./Time";

describe("an error in the place of its block", () => {
  it("says what happened, what to do, and the number to ask about", () => {
    const retry = vi.fn();
    const error = new Problem(503, { zh: "数据库暂时无法访问", en: "away", correlation_id: "c-1" });
    render(<BlockError what="预警列表" error={error} retry={retry} />);
    expect(screen.getByRole("alert").textContent?.replaceAll(" ", "")).toBe(
      "预警列表没读出来，其它不受影响。数据库暂时无法访问重试编号c-1",
    );
    fireEvent.click(screen.getByRole("button"));
    expect(retry).toHaveBeenCalledOnce();
  });

  it("reads the same for what is not there and what is out of scope", () => {
    render(<BlockError what="预警" error={new Problem(404, { zh: "没有此预警 A-1", en: "no such alert" })} />);
    expect(screen.getByText("没有找到，或不在你的客户范围内。")).toBeTruthy();
    expect(screen.queryByText(/A-1/)).toBeNull();
  });
});

function Block({ ask }: { ask: () => Promise<string[]> }) {
  const query = useQuery({ queryKey: ["rows"], queryFn: ask, retry: false });
  return (
    <QueryBlock
      query={query}
      what="工单列表"
      skeleton={<i>skeleton</i>}
      empty={rows => rows.length === 0 && <i>nothing</i>}
    >
      {rows => <p>{rows.join()}</p>}
    </QueryBlock>
  );
}

it("a block has its own skeleton, empty state and error, and keeps what it showed", async () => {
  const given: (string[] | Error)[] = [[], ["a", "b"], new Problem(500, {})];
  const client = new QueryClient();
  const ask = async (): Promise<string[]> => {
    const next = given.shift() as string[] | Error;
    if (next instanceof Error) {
      throw next;
    }
    return next;
  };
  render(
    <QueryClientProvider client={client}>
      <Block ask={ask} />
    </QueryClientProvider>,
  );
  expect(screen.getByText("skeleton")).toBeTruthy();
  await screen.findByText("nothing");
  await client.refetchQueries();
  await screen.findByText("a,b");
  await client.refetchQueries();
  await screen.findByRole("alert");
  expect(screen.getByText("a,b")).toBeTruthy();
});

function Broken(): never {
  throw new Error("broken");
}

it("what fails inside a boundary leaves the rest alone, and another address tries again", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const page = render(
    <Boundary resetKey="/a">
      <Broken />
    </Boundary>,
  );
  expect(screen.getByRole("alert").textContent).toContain("这一页没打开");
  page.rerender(
    <Boundary resetKey="/b">
      <p>well</p>
    </Boundary>,
  );
  expect(screen.getByText("well")).toBeTruthy();
});

describe("a text that filters", () => {
  it("waits for a pause, and for the input method", async () => {
    const onText = vi.fn();
    render(<TextFilter text="" onText={onText} />);
    const input = screen.getByRole("textbox");
    fireEvent.compositionStart(input);
    fireEvent.change(input, { target: { value: "wang" } });
    await new Promise(done => setTimeout(done, 250));
    expect(onText).not.toHaveBeenCalled();
    fireEvent.change(input, { target: { value: "王" } });
    fireEvent.compositionEnd(input);
    expect(onText).toHaveBeenCalledWith("王");
    onText.mockClear();
    fireEvent.change(input, { target: { value: "王芳 " } });
    await waitFor(() => expect(onText).toHaveBeenCalledExactlyOnceWith("王芳"));
  });
});

describe("a small chart", () => {
  it("leaves gaps where nothing is known, and is put into words", () => {
    expect(runs([1, null, 2, 3, null])).toEqual([
      [{ at: 0, value: 1 }],
      [
        { at: 2, value: 2 },
        { at: 3, value: 3 },
      ],
    ]);
    const { container } = render(<MicroChart points={[3, 2, null, 1]} band={[2, 3]} line={2} label="低 37%" />);
    expect(screen.getByRole("img", { name: "低 37%" })).toBeTruthy();
    expect(container.querySelectorAll("polyline")).toHaveLength(2);
  });

  it.each([[[]], [[null, null]], [[5]], [[7, 7, 7]]])("draws %j without a number that is none", points => {
    const { container } = render(<MicroChart points={points} label="x" />);
    expect(container.innerHTML).not.toMatch(/NaN|Infinity/);
  });
});

it("tags tell by glyph and word, and show a new wire value as it is", () => {
  const { container } = render(
    <>
      <SeverityTag severity="critical" />
      <SeverityTag severity="toString" />
      <StateTag of="alert" state="escalated" />
      <StateTag of="alert" state="escalated" level="city_head" />
      <StateTag of="alert" state="raised" level="head" />
      <StateTag of="alert" state="suppressed" />
      <StateTag of="alert" state="resolved" outcome="cleared" />
      <StateTag of="sms" state="parked" />
      <Stars n={6} />
      <Stars n={null} />
      <Sentence parts={["欠 ", { value: "¥1.00" }, "<b>。"]} />
    </>,
  );
  expect(container.textContent).toBe(
    "◆紧急●toString⇧已上报⇧已上报 · 地市负责人✦新预警‖维护中✓已解除 · 已结清·parked★6欠 ¥1.00<b>。",
  );
});

it("says over a due clock what counted it, and what that had to assume", () => {
  const office = { id: "office", version: 2, name_zh: "工作日历", name_en: "Working calendar", assumed: false };
  const told = (calendar: typeof office | null): string | undefined => {
    const { container } = render(<Deadline at="2026-06-30T10:00:00Z" calendar={calendar} />);
    return container.querySelector("time")?.dataset.exact;
  };
  expect(told(null)).toBe("2026-06-30 18:00:00 +08:00");
  expect(told(office)).toBe("2026-06-30 18:00:00 +08:00 · 按工作日历");
  expect(told({ ...office, assumed: true })).toBe(
    "2026-06-30 18:00:00 +08:00 · 按工作日历 · 当年放假安排未公布，按平常周推算",
  );
});

describe("cards of charts", () => {
  const card = (title: string) => (
    <ChartCard title={title} options={{}} table={{ columns: ["月", "元"], rows: [["6月", "1"]] }} />
  );
  const tables = () => screen.queryAllByRole("table").length;

  it("turn into tables by v: all of them, or the one that has the focus", () => {
    render(
      <>
        {card("话费")}
        {card("用量")}
      </>,
    );
    fireEvent.keyDown(document.body, { key: "v" });
    expect(tables()).toBe(2);
    const [first] = screen.getAllByLabelText("话费", { selector: "[tabindex]" });
    first?.focus();
    fireEvent.keyDown(first as HTMLElement, { key: "v" });
    expect(tables()).toBe(1);
  });
});

it("what happened by system time is never told by a business clock that stands behind", () => {
  const now = Date.now();
  setBusinessClock(now - 86_400_000, true);
  try {
    const { container } = render(
      <>
        <ShortTime at={now} />
        <SystemTime at={now} />
      </>,
    );
    const [business, system] = [...container.querySelectorAll("time")].map(time => time.textContent);
    expect(business).toMatch(/^明天 /);
    expect(system).toMatch(/^\d\d:\d\d$/);
  } finally {
    setBusinessClock(now, true);
  }
});
