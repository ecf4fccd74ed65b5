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
    effects: { clear: "清掉", raise: "预警" },
    sources: { file: "文件", step: "业务日" },
    said: (city: string, effect: string, kind: string, count: string, customers: string, share: string) =>
      `${city}：将${effect}${kind} ${count} 户，全市 ${customers} 户，占 ${share}%`,
    limit: (percent: number) => `界限 ${percent}%`,
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
    effects: { clear: "clear", raise: "raise" },
    sources: { file: "file", step: "business day" },
    said: (city, effect, kind, count, customers, share) =>
      `${city}: would ${effect} ${kind} of ${count} customers, of ${customers} in the city: ${share}%`,
    limit: percent => `limit ${percent}%`,
    since: "Waiting since",
    why: "Reason",
    go: "Let it go",
    reject: "Turn it away",
    went: "Let go",
    rejected: "Turned away",
  },
);
