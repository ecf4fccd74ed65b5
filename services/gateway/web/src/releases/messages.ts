import { messages } from "@/i18n";

/** What the brake holds for a person's word. */
export const releasesText = messages(
  {
    intro: "一次会清掉、预警或发短信的客户超过界限时，先停在这里，等人看过再放行；单个事件从不等待。",
    services: { "billing-sync": "收数（文件）", alerts: "预警" },
    missing: (names: string) => `${names}没有应答，或不是所有进程都应答：下面可能不全，数字可能偏小。`,
    waiting: "等人决定",
    decided: "已决定",
    none: "没有等着放行的。",
    states: { waiting: "等待", released: "已放行", rejected: "已拒绝", superseded: "已被取代" },
    file: "文件",
    day: "业务日",
    raises: (city: string, kind: string, count: string) => `${city}：将对 ${count} 户发出${kind}`,
    clears: {
      ARR: (city: string, count: string) => `${city}：${count} 户的欠费将被销掉`,
      CUST: (city: string, count: string) => `${city}：${count} 户将离网，或转到别的地市`,
      CONT: (city: string, count: string) => `${city}：${count} 户的合约将终止`,
    },
    share: (customers: string, share: string, percent: number) =>
      `全市 ${customers} 户，占 ${share}%，界限 ${percent}%`,
    shareOfPart: (of: string, customers: string, share: string, percent: number) =>
      `超限的分区共 ${of} 户，占 ${share}%，界限 ${percent}%；全市 ${customers} 户`,
    uncounted: (percent: number) => `全市客户数未知，界限 ${percent}%`,
    notice: (n: number) => `${n} 项等人放行`,
    since: "等待始于",
    why: "理由",
    go: "放行",
    reject: "不放行",
    went: "已放行",
    rejected: "已拒绝",
  },
  {
    intro:
      "What would clear, raise or message too many customers at once waits here until somebody has looked; single events never wait.",
    services: { "billing-sync": "Intake (files)", alerts: "Alerts" },
    missing: names =>
      `${names} has not answered, or not with all of its processes: what follows may be incomplete, and counts too low.`,
    waiting: "Waiting for a word",
    decided: "Decided",
    none: "Nothing waits.",
    states: { waiting: "waiting", released: "released", rejected: "turned away", superseded: "superseded" },
    file: "File",
    day: "Business day",
    raises: (city, kind, count) => `${city}: ${kind} alerts of ${count} customers`,
    clears: {
      ARR: (city, count) => `${city}: the debts of ${count} customers would be cleared`,
      CUST: (city, count) => `${city}: ${count} customers would leave, or move to another city`,
      CONT: (city, count) => `${city}: contracts of ${count} customers would end`,
    },
    share: (customers, share, percent) => `${share}% of the city's ${customers} customers, the limit is ${percent}%`,
    shareOfPart: (of, customers, share, percent) =>
      `${share}% of the ${of} customers in the partitions that are over the limit of ${percent}%; the city has ${customers}`,
    uncounted: percent => `How many customers the city has is not known; the limit is ${percent}%`,
    notice: n => `${n} ${n === 1 ? "waits" : "wait"} for release`,
    since: "Waiting since",
    why: "Reason",
    go: "Let it go",
    reject: "Turn it away",
    went: "Let go",
    rejected: "Turned away",
  },
);
