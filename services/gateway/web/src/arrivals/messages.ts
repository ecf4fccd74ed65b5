import { messages } from "@/i18n";

/** Of nightly files, wherever their coming is told. */
export const arrivalsText = messages(
  {
    kind: {
      UNIT: "单位",
      MGR: "经理",
      CUST: "客户",
      CONT: "合约",
      BILL: "账单",
      USAGE: "用量",
      PAY: "缴费",
      ARR: "欠费",
      COMP: "投诉",
      SERV: "业务",
    } as Record<string, string>,
    upTo: (kind: string, day: string) => `${kind}截至 ${day} 文件`,
    late: (day: string) => `${day} 未到`,
    missing: (kind: string, cities: string) => `${kind}文件未到：${cities}`,
    andMore: (cities: string, n: number) => `${cities}等 ${n} 个地市`,
    comma: "、",
    away: "数据到达情况没读到",
  },
  {
    kind: {
      UNIT: "Units",
      MGR: "Managers",
      CUST: "Customers",
      CONT: "Contracts",
      BILL: "Bills",
      USAGE: "Usage",
      PAY: "Payments",
      ARR: "Arrears",
      COMP: "Complaints",
      SERV: "Requests",
    } as Record<string, string>,
    upTo: (kind: string, day: string) => `${kind} as of the ${day} file`,
    late: (day: string) => `${day} missing`,
    missing: (kind: string, cities: string) => `${kind} missing: ${cities}`,
    andMore: (cities: string, n: number) => `${cities} and others, ${n} cities`,
    comma: ", ",
    away: "Arrivals could not be read",
  },
);
