import { messages } from "@/i18n";

/** Rules in sentences, and what each has raised. */
export const rulesText = messages(
  {
    yesterday: "昨日",
    sentence: "什么时候预警",
    hours: "小时",
    excludes: (plans: number, customers: number) =>
      `；排除${plans ? ` ${plans} 个套餐` : ""}${customers ? ` ${customers} 个客户` : ""}`,
    figures: {
      amount_fen: "话费",
      voice_minutes: "通话时长",
      BILL: "账单",
      USAGE: "用量",
      BAL: "余额",
      PAY: "缴费",
      ARR: "欠费",
      COMP: "投诉",
      CONT: "合约",
      SERV: "业务申请",
      CUST: "客户资料",
      LEFT: "离网",
      bill_fall: "话费骤降",
      minutes_fall: "通话骤降",
    },
    requests: {
      stop: "提出拆机",
      port_query: "查询携号转网",
      suspend: "申请停机",
      resume: "申请复机",
      change: "变更业务",
    },
    areas: { urban: "城区", rural: "农村" },
  },
  {
    yesterday: "Yesterday",
    sentence: "When it alerts",
    hours: "h",
    excludes: (plans, customers) =>
      `; without${plans ? ` ${plans} plans` : ""}${customers ? ` ${customers} customers` : ""}`,
    figures: {
      amount_fen: "bill",
      voice_minutes: "voice minutes",
      BILL: "bills",
      USAGE: "usage",
      BAL: "balance",
      PAY: "payments",
      ARR: "arrears",
      COMP: "complaints",
      CONT: "contracts",
      SERV: "service requests",
      CUST: "customer records",
      LEFT: "departures",
      bill_fall: "bill fell",
      minutes_fall: "minutes fell",
    },
    requests: {
      stop: "asks to close the line",
      port_query: "asks about porting the number",
      suspend: "asks to suspend",
      resume: "asks to resume",
      change: "changes the service",
    },
    areas: { urban: "urban", rural: "rural" },
  },
);
