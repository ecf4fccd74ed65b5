import { count, messages } from "@/i18n";

/** What a card of an alert says beside its sentence. */
export const cardText = messages(
  {
    rule: (id: string, version: number) => `规则 ${id} v${version}`,
    evidence: (n: number) => `证据 ${n}`,
    sms: (state: string) => `短信 ${state}`,
    onlyManager: "短信未发：只通知经理",
    noSms: "没有短信",
    manager: (name: string) => `经理 ${name}`,
    leaving: "刷新后移出",
    open: (name: string) => `打开 ${name} 的预警`,
  },
  {
    rule: (id, version) => `rule ${id} v${version}`,
    evidence: n => count(n, "record"),
    sms: state => `SMS ${state.toLowerCase()}`,
    onlyManager: "no SMS: only the manager is told",
    noSms: "no SMS",
    manager: name => `manager ${name}`,
    leaving: "leaves on refresh",
    open: name => `Open the alert of ${name}`,
  },
);
