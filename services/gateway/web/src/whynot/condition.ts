import { aside, type Part, say } from "@/alerts/wording";
import type { Schema } from "@/api/client";
import { money, monthOf, number } from "@/format";
import { common, type Language, word } from "@/i18n";
import { rulesText } from "@/rules/ruleMessages";
import { whyNotText } from "./messages";

export type RuleAnswer = Schema<"RuleAnswer">;
export type Condition = Schema<"Condition">;

type Values = Readonly<Record<string, unknown>>;

/** A condition with its value and limit, in words; `period`: the month that is asked about. */
export function conditionSentence(condition: Condition, period: string, language: Language): Part[] {
  const { held_at: heldAt, zh, en } = condition.values;
  if (typeof heldAt === "string") {
    return [String(language === "zh" ? zh : en)]; // what was so then stands in words alone
  }
  const tell = TELLERS[condition.code] ?? other;
  return tell(condition, period, language);
}

type Teller = (condition: Condition, period: string, language: Language) => Part[];

const fall: Teller = ({ met, value, limit, values }, period, language) => {
  const zh = language === "zh";
  const { figure, percent, months, base } = values as Values;
  const name = word(rulesText[language].figures, String(figure));
  const [month, n, share] = [monthOf(period, language), Number(months), Number(percent)];
  const told = (amount: unknown): string => {
    const known = typeof amount === "number" ? amount : null;
    return figure === "amount_fen" ? money(known) : zh ? `${number(known)} 分钟` : `${number(known)} min`;
  };
  if (value === null) {
    return zh ? say`${aside(month)}${aside(name)}还没有数据。` : say`No ${aside(name)} of ${aside(month)} yet.`;
  }
  if (typeof base !== "number") {
    return zh
      ? say`${aside(month)}${aside(name)} ${told(value)}，前 ${n} 个月有缺，没有均值可比。`
      : say`${aside(month)} ${aside(name)} ${told(value)}; of the ${n} months before one is missing, so there is no mean.`;
  }
  if (base <= 0) {
    return zh
      ? say`${aside(month)}${aside(name)} ${told(value)}，前 ${n} 个月合计 ${told(base)}，无从下降。`
      : say`${aside(month)} ${aside(name)} ${told(value)}; the ${n} months before come to ${told(base)}: nothing to fall from.`;
  }
  const mean = told(Math.round(base / n));
  return zh
    ? say`${aside(month)}${aside(name)} ${told(value)}，${aside(met ? "不高于" : "高于")}规则线 ${told(limit)}（前 ${n} 个月均值 ${mean} 的 ${`${share}%`}）。`
    : say`${aside(month)} ${aside(name)} ${told(value)}, ${aside(met ? "not above" : "above")} the line ${told(limit)} (${`${share}%`} of the ${n}-month mean ${mean}).`;
};

const request: Teller = ({ met, value, values }, period, language) => {
  const zh = language === "zh";
  const what = word(whyNotText[language].requests, String(values.request));
  const month = monthOf(period, language);
  if (!met) {
    return zh ? say`${aside(month)}没有${aside(what)}。` : say`No ${aside(what)} in ${aside(month)}.`;
  }
  const at = String(value ?? "")
    .slice(5, 16)
    .replace("T", " ");
  return zh ? say`${at} 有${aside(what)}。` : say`A ${aside(what)} at ${at}.`;
};

const TELLERS: Readonly<Record<string, Teller>> = {
  bill_fall: fall,
  minutes_fall: fall,
  stop_request: request,
  port_query: request,
  record: ({ met }, _, language) =>
    language === "zh"
      ? [met ? "客户资料已到" : "客户资料还没到，先记着不判"]
      : [met ? "the customer's record has come" : "the customer's record has not come: nothing is judged before"],
  in_network: ({ met }, _, language) =>
    language === "zh" ? [met ? "在网" : "已离网"] : [met ? "in the network" : "has left the network"],
  status: ({ met, value, limit }, _, language) => {
    const said = (status: string) => {
      const known = word(common[language].customerStatus, status);
      return language === "en" ? known.toLowerCase() : known;
    };
    const status = value === null ? undefined : said(String(value));
    const only = String(limit ?? "")
      .split(", ")
      .map(said)
      .join(common[language].comma);
    if (language === "zh") {
      return status === undefined
        ? ["状态未知，不排除"]
        : met
          ? [`状态 ${status}`]
          : [`状态 ${status}，规则只看 ${only}`];
    }
    return status === undefined
      ? ["status unknown, which excludes nobody"]
      : met
        ? [`status ${status}`]
        : [`status ${status}; the rule is for ${only} only`];
  },
  plan: ({ met, value }, _, language) =>
    language === "zh"
      ? [`套餐 ${value ?? "未知"}${met ? " 不在排除之列" : " 被排除"}`]
      : [`plan ${value ?? "unknown"}${met ? " is not excluded" : " is excluded"}`],
  listed: ({ met }, _, language) =>
    language === "zh"
      ? [met ? "不在排除名单" : "在规则的排除名单里"]
      : [met ? "not on the list of exclusions" : "on the rule's list of exclusions"],
  list: ({ met, values }, _, language) => {
    const name = String(values[language === "zh" ? "name_zh" : "name_en"] ?? values.list);
    return language === "zh"
      ? [met ? `不在名单“${name}”上` : `在名单“${name}”上，被排除`]
      : [met ? `not on the list “${name}”` : `on the list “${name}”, which is left out`];
  },
  only_listed: ({ met }, _, language) =>
    language === "zh"
      ? [met ? "在规则所限的名单上" : "不在规则所限的名单上"]
      : [met ? "on a list that the rule is limited to" : "on none of the lists that the rule is limited to"],
  months_in_network: ({ met, value, limit }, _, language) => {
    if (value === null) {
      return [language === "zh" ? "入网日期未知，不排除" : "start unknown, which excludes nobody"];
    }
    return language === "zh"
      ? [`${value} 入网，${met ? "已满" : "未满"} ${limit} 个月`]
      : [`in the network since ${value}, ${met ? "" : "not yet "}${limit} months`];
  },
  remembered: ({ met }, _, language) =>
    language === "zh"
      ? [met ? "月份还在判定范围" : "这个月太早，已不再判"]
      : [met ? "the month is still judged" : "the month is too long ago to be judged"],
  condition: ({ values }, _, language) => [String(values[language] ?? "")],
  owes: ({ met, value, values }, _, language) => {
    const zh = language === "zh";
    if (!met) {
      return zh
        ? [value === null ? "BOSS 没有报过欠费。" : "没有欠费。"]
        : [value === null ? "BOSS has told of no arrears." : "Owes nothing."];
    }
    const due = values.oldest_due_on;
    const amount = money(Number(value));
    return zh
      ? say`欠 ${amount}${typeof due === "string" ? `，最早应缴 ${due}` : ""}。`
      : say`Owes ${amount}${typeof due === "string" ? `, the oldest due ${due}` : ""}.`;
  },
  complaint: ({ value, values }, _, language) => {
    const zh = language === "zh";
    if (value === null) {
      return [zh ? "没有投诉。" : "No complaints."];
    }
    const status = word(common[language].complaintState, String(value));
    return zh
      ? say`投诉 ${String(values.complaint_id)} ${aside(status)}。`
      : say`Complaint ${String(values.complaint_id)}: ${aside(status.toLowerCase())}.`;
  },
  contract: ({ value, limit, values }, _, language) => {
    const zh = language === "zh";
    if (values.contract_id === undefined) {
      return [zh ? "没有还未到期的合约。" : "No contract that has not ended."];
    }
    const id = String(values.contract_id);
    if (value === null) {
      return zh ? say`合约 ${id} 没有到期日。` : say`Contract ${id} has no end.`;
    }
    const rest = values.passed
      ? zh
        ? "这一步在客户离网时已过"
        : "this step went by while the customer was away"
      : zh
        ? `到期前 ${limit} 天起预警`
        : `warned of from ${limit} days on`;
    return zh
      ? say`合约 ${id} 还有 ${Number(value)} 天到期；${aside(rest)}。`
      : say`Contract ${id} ends in ${Number(value)} days; ${aside(rest)}.`;
  },
};

const other: Teller = ({ code, value, limit }) => [
  [code, value, limit === null ? "" : `/ ${limit}`].filter(each => each !== null && each !== "").join(" "),
];
