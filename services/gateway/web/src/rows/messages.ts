import { messages } from "@/i18n";
import { count } from "@/i18n/language";

export const rowsText = messages(
  {
    title: { alerts: "预警", work: "工单", sms: "短信", customers: "客户" } as Record<string, string>,
    total: (n: number) => `共 ${n.toLocaleString("en-US")} 条`,
    more: (n: number) => `又新增 ${n.toLocaleString("en-US")} 条`,
    fewer: (n: number) => `少了 ${n.toLocaleString("en-US")} 条`,
    next: "加载更多",
    customer: "客户",
    what: "内容",
    state: "状态",
    at: "时间",
    due: "时限",
    manager: "经理",
    none: "没有符合的记录。",
    rows: (label: string, n: number) => `${label}：${n.toLocaleString("en-US")}，打开这些记录`,
  },
  {
    title: { alerts: "Alerts", work: "Work items", sms: "SMS", customers: "Customers" } as Record<string, string>,
    total: (n: number) => count(n, "row"),
    more: (n: number) => `${n.toLocaleString("en-US")} more since`,
    fewer: (n: number) => `${n.toLocaleString("en-US")} fewer since`,
    next: "Load more",
    customer: "Customer",
    what: "What",
    state: "State",
    at: "When",
    due: "Due",
    manager: "Manager",
    none: "No such rows.",
    rows: (label: string, n: number) => `${label}: ${n.toLocaleString("en-US")}, open these rows`,
  },
);
