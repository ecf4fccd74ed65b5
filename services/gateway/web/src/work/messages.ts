import { count, messages } from "@/i18n";

/** Words of what is done to work items, wherever it is done. */
export const workText = messages(
  {
    did: "做了什么",
    result: "结果",
    resultHint: "点了就记下",
    note: "备注（可不填）",
    noteLabel: "备注",
    followUp: "下次",
    none: "不用",
    tomorrow: "明天",
    inThreeDays: "3 天后",
    pickDate: "选日期",
    promisedOn: "承诺哪天缴",
    record: "记下",
    chooseFirst: "先选做了什么",
    logged: (what: string) => `已记下：${what}`,
    accepted: (n: number) => `已接单 ${n} 张`,
    closed: (n: number, outcome: string) => `已办结 ${n} 张：${outcome}`,
    loggedMany: (n: number) => `已记下 ${n} 张`,
    closeAs: "办结为",
    closeConfirm: "办结后预警随之解除。",
    act: {
      call: "打电话",
      sms: "发短信",
      visit: "上门",
      offer: "给优惠",
      other: "其它",
    },
    results: {
      promised: "承诺缴费",
      no_answer: "无人接听",
      disputed: "有争议",
      propose_suspension: "建议停机",
      reached: "已沟通",
      accepted: "同意",
      considering: "再考虑",
      refused: "拒绝",
      solved: "已解决",
      other: "其它",
    },
    contact: {
      last: "上次联系",
      never: "还没有联系过",
      smsToday: (n: number, most: number) => `今日短信 ${n}/${most}`,
      doNotDisturb: "免打扰",
      mayContact: "可联系",
      unknownWish: "免打扰 未知",
      complaints: (n: number) => `在办投诉 ${n}`,
      lastSms: "上次短信",
      what: "联系前须知",
    },
    actLabel: (name: string) => `处理 ${name}`,
    handOver: {
      title: "转派",
      to: "接手人",
      placeholder: "选客户经理",
      load: (n: number) => `手上 ${n} 张`,
      note: "交代几句（可不填）",
      confirm: (n: number) => `转派 ${n} 张`,
      own: "（本人）",
      colleagues: "可转派的客户经理",
    },
    clashUse: "用我的会记在对方之后；用对方的则放弃这次填写。",
  },
  {
    did: "What was done",
    result: "Result",
    resultHint: "one click saves",
    note: "Note (optional)",
    noteLabel: "Note",
    followUp: "Next",
    none: "None",
    tomorrow: "Tomorrow",
    inThreeDays: "In 3 days",
    pickDate: "Pick a date",
    promisedOn: "Promised for",
    record: "Save",
    chooseFirst: "First say what was done",
    logged: what => `Logged: ${what}`,
    accepted: n => `${count(n, "item")} accepted`,
    closed: (n, outcome) => `${count(n, "item")} closed: ${outcome}`,
    loggedMany: n => `${count(n, "item")} logged`,
    closeAs: "Close as",
    closeConfirm: "Closing resolves the alert.",
    act: {
      call: "Call",
      sms: "SMS",
      visit: "Visit",
      offer: "Offer",
      other: "Other",
    },
    results: {
      promised: "Promise to pay",
      no_answer: "No answer",
      disputed: "Disputed",
      propose_suspension: "Propose suspension",
      reached: "Reached",
      accepted: "Accepted",
      considering: "Thinking it over",
      refused: "Refused",
      solved: "Solved",
      other: "Other",
    },
    contact: {
      last: "Last contact",
      never: "Not contacted yet",
      smsToday: (n, most) => `SMS today ${n}/${most}`,
      doNotDisturb: "Do not disturb",
      mayContact: "May be contacted",
      unknownWish: "Do-not-disturb unknown",
      complaints: n => count(n, "open complaint"),
      lastSms: "Last SMS",
      what: "Before contact",
    },
    actLabel: name => `Act on ${name}`,
    handOver: {
      title: "Hand over",
      to: "To",
      placeholder: "Choose a manager",
      load: n => `${n} in hand`,
      note: "A word to them (optional)",
      confirm: n => `Hand over ${n}`,
      own: " (me)",
      colleagues: "Managers to hand over to",
    },
    clashUse: "Yours is logged after theirs; theirs discards what you entered.",
  },
);

/** What is done for a customer, in the order of the number keys. */
export const ACTS = ["call", "sms", "visit", "offer", "other"] as const;
export type Act = (typeof ACTS)[number];
export type Result = keyof typeof workText.zh.results;

const RESULTS: Readonly<Record<string, readonly Result[]>> = {
  dunning: ["promised", "no_answer", "disputed", "propose_suspension", "other"],
  retention: ["reached", "accepted", "considering", "refused", "no_answer"],
  complaint_follow_up: ["solved", "reached", "disputed", "no_answer"],
  renewal: ["accepted", "considering", "refused", "no_answer"],
};
const OUTCOMES = {
  dunning: ["paid", "promised", "false_alarm", "other"],
  retention: ["retained", "lost", "false_alarm", "other"],
  renewal: ["retained", "lost", "other"],
  complaint_follow_up: ["other", "false_alarm"],
} as const;
export type Outcome = "retained" | "lost" | "paid" | "promised" | "false_alarm" | "other";

/** What may come of it, by the kind of work. */
export function resultsOf(kind: string): readonly Result[] {
  return RESULTS[kind] ?? ["reached", "no_answer", "other"];
}

export function outcomesOf(kind: string): readonly Outcome[] {
  return (OUTCOMES as Record<string, readonly Outcome[]>)[kind] ?? ["other", "false_alarm"];
}
