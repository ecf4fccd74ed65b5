import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { fireEvent, render, screen } from "@testing-library/react";
import { MemoryRouter } from "react-router";
import { afterEach, describe, expect, it, vi } from "vitest";
import { UndoProvider } from "@/habits/undo";
import { alertRow } from "@/test/alertRow";
import { AlertCard } from "./AlertCard";
import type { AlertRow } from "./row";

const NOW = Date.parse("2026-06-30T10:00:00+08:00");

function show(row: AlertRow, more: object = {}) {
  const onAcknowledge = vi.fn();
  const onActing = vi.fn();
  const { container } = render(
    <QueryClientProvider client={new QueryClient()}>
      <MemoryRouter>
        <UndoProvider>
          <ul>
            <AlertCard
              row={row}
              id="alert-a1"
              telling={{ language: "zh", now: NOW }}
              mayAct
              acting={false}
              onActing={onActing}
              onAcknowledge={onAcknowledge}
              onActed={vi.fn()}
              {...more}
            />
          </ul>
        </UndoProvider>
      </MemoryRouter>
    </QueryClientProvider>,
  );
  return { text: container.textContent ?? "", onAcknowledge, onActing };
}
afterEach(() => void vi.unstubAllGlobals());
const button = (name: RegExp) => screen.queryByRole("button", { name });

describe("the card of an alert", () => {
  it("says how urgent, who, why with numbers, on what evidence, and by whom they were told", () => {
    const { text } = show(alertRow());
    for (const part of ["重要", "欠费预警", "客户乙", "免打扰", "¥1,286.50", "61 天", "规则 arrears v2", "证据 2"]) {
      expect(text).toContain(part);
    }
    expect(text).toContain("短信 已送达");
    expect(document.querySelector("[aria-busy=true]"), "the place of what to see before a contact").not.toBeNull();
    expect(screen.getByRole("img").getAttribute("aria-label")).toContain("¥1,286.50");
  });

  it("says do-not-disturb once: beside the buttons, before the line there is read and after", async () => {
    const contacts = { last: null, last_sms: null, sms_today: 0, sms_limit: 3, open_complaints: 1 };
    const read = [{ customer_id: "c1", do_not_disturb: true, language: "zh", ...contacts }];
    vi.stubGlobal("fetch", async () => Response.json(read));
    const said = () => document.body.textContent?.match(/免打扰/g)?.length;
    show(alertRow());
    expect(said()).toBe(1);
    expect((await screen.findByRole("note")).textContent).toMatch(/免打扰.*在办投诉 1/);
    expect(said()).toBe(1);
  });

  it("is acknowledged and acted on where it stands, by the id on screen", () => {
    const { onAcknowledge, onActing } = show(alertRow());
    fireEvent.click(button(/知悉/) as HTMLElement);
    expect(onAcknowledge).toHaveBeenCalledOnce();
    fireEvent.click(button(/处理/) as HTMLElement);
    expect(onActing).toHaveBeenCalledWith(true);
  });

  it("offers only what can still be done, and to whom it is theirs to do", () => {
    show(alertRow({ state: "acknowledged" }));
    expect([button(/知悉/), button(/处理/)].map(Boolean)).toEqual([false, true]);
  });

  it("says how it ended when it is over, and that it goes", () => {
    const { text } = show(alertRow({ state: "resolved", outcome: "cleared" }), { isLeaving: true });
    expect(text).toContain("已解除 · 已结清");
    expect(text).toContain("刷新后移出");
    expect(button(/处理/)).toBeNull();
  });

  it("leaves a hostile name plain text", () => {
    const { text } = show(alertRow({ customer_name: "<img src=x onerror=alert(1)>" }));
    expect(text).toContain("<img src=x");
    expect(document.querySelector("img")).toBeNull();
  });
});
