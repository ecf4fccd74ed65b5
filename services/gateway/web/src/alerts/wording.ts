import type { Language } from "@/i18n/language";

/** A piece of a sentence; a `value` is set in bold and never broken over lines. */
export type Part = string | { readonly value: string };

/** Tag of a template: what is filled in is a value, `aside(…)` is text like the rest. */
export function say(texts: TemplateStringsArray, ...filled: (string | number | Aside | Part[])[]): Part[] {
  const parts: Part[] = [];
  texts.forEach((text, at) => {
    if (text) {
      parts.push(text);
    }
    const value = filled[at];
    if (Array.isArray(value)) {
      parts.push(...value);
    } else if (value instanceof Aside) {
      parts.push(value.text);
    } else if (value !== undefined && value !== "") {
      parts.push({ value: String(value) });
    }
  });
  return parts;
}

class Aside {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export const aside = (text: string): Aside => new Aside(text);

export function plain(parts: readonly Part[]): string {
  return parts.map(part => (typeof part === "string" ? part : part.value)).join("");
}

/** The words of alerts, by language; every entry gets values that are formatted already. */
export interface Wording {
  fall(
    what: "bill" | "minutes",
    of: { month: string; value: string; mean: string; months: number; drop: string; line?: string },
  ): Part[];
  briefFall(what: "bill" | "minutes", of: { month: string; value: string; drop: string }): Part[];
  stopRequest(at: string): Part[];
  portQuery(at: string): Part[];
  debt(of: {
    amount: string;
    overdue?: number;
    due?: string;
    stage?: string;
    next?: { days: number; stage: string };
  }): Part[];
  suspended(amount: string): Part[];
  briefDebt(amount: string, overdue?: number): Part[];
  complaint(of: {
    category?: string;
    limit?: number;
    area?: "urban" | "rural";
    left?: string;
    over?: string;
    reopened: boolean;
    opened?: string;
  }): Part[];
  briefComplaint(category?: string, opened?: string): Part[];
  contract(of: { product: string; fee?: string; ends: string; days: number; renews?: boolean }): Part[];
  briefContract(of: { product: string; ends: string; days: number }): Part[];
  rule(of: { id: string; version: number; name?: string; values: string; limit?: string }): Part[];
  also(parts: Part[]): Part[];
  /** Between the first reason and what stands beside it. */
  between: string;
}

const zh: Wording = {
  fall: (what, of) => {
    const line = of.line ? say`（规则线 ${aside(of.line)}）` : [];
    const name = aside(what === "bill" ? "话费" : "通话");
    return say`${aside(of.month)}${name} ${of.value}，比前${aside("零一两三四五六"[of.months] ?? ` ${of.months} `)}个月均值 ${of.mean} 低 ${of.drop}${line}。`;
  },
  briefFall: (what, of) => say`${aside(of.month + (what === "bill" ? "话费" : "通话"))} ${of.value}，低 ${of.drop}`,
  stopRequest: at => say`${at} 提出拆机。`,
  portQuery: at => say`${at} 查询携号转网。`,
  debt: of => {
    const late =
      of.overdue !== undefined && of.overdue > 0
        ? say`，最早一笔逾期 ${of.overdue} 天`
        : of.due
          ? say`，最早一笔 ${of.due} 到期`
          : say`，到期日未知`;
    const stage = of.stage ? say`，已到${aside(of.stage)}` : [];
    const next = of.next ? say`；再过 ${of.next.days} 天${aside(of.next.stage)}` : [];
    return say`欠 ${of.amount}${late}${stage}${next}。`;
  },
  suspended: amount => say`欠 ${amount}，已停机。`,
  briefDebt: (amount, overdue) =>
    overdue !== undefined && overdue > 0 ? say`欠 ${amount}，逾期 ${overdue} 天` : say`欠 ${amount}`,
  complaint: of => {
    const about = of.category ? say`“${aside(of.category)}”` : [];
    const again = of.reopened ? say`重新打开` : [];
    const where = of.area ? aside(of.area === "urban" ? "城区" : "农村") : aside("");
    const limit = of.limit ? say`，${where}限 ${of.limit} 小时` : [];
    const time = of.over ? say`，已超时 ${of.over}` : of.left ? say`，还剩 ${of.left}` : [];
    const opened = !time.length && of.opened ? say`，${of.opened} 提出` : [];
    return say`投诉${about}${again}${limit}${time}${opened}。`;
  },
  briefComplaint: (category, opened) =>
    say`投诉${category ? aside(`“${category}”`) : ""}${opened ? say`，${opened} 提出` : []}`,
  contract: of => {
    const fee = of.fee ? say`（月费 ${of.fee}）` : [];
    const renews = of.renews === undefined ? [] : of.renews ? say`，已设自动续约` : say`，未设自动续约`;
    const left =
      of.days > 0 ? say`到期，还有 ${of.days} 天` : of.days === 0 ? say`到期，就是今天` : say`已到期 ${-of.days} 天`;
    return say`合约 ${aside(of.product)}${fee} ${of.ends} ${left}${renews}。`;
  },
  briefContract: of => say`${aside(of.product)} ${of.ends} 到期，还有 ${of.days} 天`,
  rule: of => {
    const limit = of.limit ? say`，界限 ${of.limit}` : [];
    const name = of.name ? aside(`：${of.name}`) : aside("");
    return say`命中规则 ${aside(of.id)} v${aside(String(of.version))}${name} ${of.values}${limit}。`;
  },
  also: parts => say`另：${parts}`,
  between: "",
};

const MONTHS = ["zero", "one", "two", "three", "four", "five", "six"];

const en: Wording = {
  fall: (what, of) => {
    const line = of.line ? say` (line ${aside(of.line)})` : [];
    const name = aside(what === "bill" ? "bill" : "calls");
    return say`${aside(of.month)} ${name} ${of.value}, ${of.drop} below the ${aside(MONTHS[of.months] ?? String(of.months))}-month mean ${of.mean}${line}.`;
  },
  briefFall: (what, of) =>
    say`${aside(`${of.month} ${what === "bill" ? "bill" : "calls"}`)} ${of.value}, ${of.drop} lower`,
  stopRequest: at => say`Line closure asked ${at}.`,
  portQuery: at => say`Porting asked ${at}.`,
  debt: of => {
    const late =
      of.overdue !== undefined && of.overdue > 0
        ? say`; oldest bill ${of.overdue} ${aside(of.overdue === 1 ? "day" : "days")} late`
        : of.due
          ? say`; oldest bill due ${of.due}`
          : say`; due date unknown`;
    const stage = of.stage ? say`, at ${aside(of.stage.toLowerCase())}` : [];
    const next = of.next
      ? say`; ${aside(of.next.stage.toLowerCase())} in ${of.next.days} ${aside(of.next.days === 1 ? "day" : "days")}`
      : [];
    return say`Owes ${of.amount}${late}${stage}${next}.`;
  },
  suspended: amount => say`Owes ${amount}; suspended.`,
  briefDebt: (amount, overdue) =>
    overdue !== undefined && overdue > 0
      ? say`Owes ${amount}, ${overdue} ${aside(overdue === 1 ? "day" : "days")} late`
      : say`Owes ${amount}`,
  complaint: of => {
    const about = of.category ? say` about ${aside(of.category)}` : [];
    const again = of.reopened ? say` reopened` : [];
    const where = of.area ? aside(`${of.area} `) : aside("");
    const limit = of.limit ? say`; ${where}limit ${of.limit} h` : [];
    const comma = of.limit ? aside(", ") : aside("; ");
    const time = of.over ? say`${comma}${of.over} overdue` : of.left ? say`${comma}${of.left} left` : [];
    const opened = !time.length && of.opened ? say`; made ${of.opened}` : [];
    return say`Complaint${about}${again}${limit}${time}${opened}.`;
  },
  briefComplaint: (category, opened) =>
    say`Complaint${category ? aside(` about ${category}`) : ""}${opened ? say`, made ${opened}` : []}`,
  contract: of => {
    const fee = of.fee ? say` (${of.fee} a month)` : [];
    const renews = of.renews === undefined ? [] : of.renews ? say`; auto-renew is on` : say`; auto-renew is off`;
    const days = aside(Math.abs(of.days) === 1 ? "day" : "days");
    const left =
      of.days > 0
        ? say`ends ${of.ends}, in ${of.days} ${days}`
        : of.days === 0
          ? say`ends ${of.ends}, today`
          : say`ended ${of.ends}, ${-of.days} ${days} ago`;
    return say`Contract ${aside(of.product)}${fee} ${left}${renews}.`;
  },
  briefContract: of =>
    say`${aside(of.product)} ends ${of.ends}, in ${of.days} ${aside(of.days === 1 ? "day" : "days")}`,
  rule: of => {
    const limit = of.limit ? say`, limit ${of.limit}` : [];
    const name = of.name ? aside(`: ${of.name}`) : aside(":");
    return say`Rule ${aside(of.id)} v${aside(String(of.version))} met${name} ${of.values}${limit}.`;
  },
  also: parts => say`Also: ${parts}`,
  between: " ",
};

export const wording: Record<Language, Wording> = { zh, en };
