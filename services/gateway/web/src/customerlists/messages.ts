import { messages } from "@/i18n";

/** Lists of customers that rules name. */
export const listsText = messages(
  {
    purpose: "用途",
    purposes: { exclusion: "规则不看这些客户", allow: "规则只看这些客户", vip: "这些客户的预警按紧急" },
    customers: "客户编号，一行一个",
    count: (n: string) => `共 ${n} 个客户`,
    nameZh: "中文名称",
    nameEn: "英文名称",
  },
  {
    purpose: "Purpose",
    purposes: {
      exclusion: "rules leave these alone",
      allow: "rules look at these alone",
      vip: "their alerts are urgent",
    },
    customers: "Ids of customers, one a line",
    count: n => `${n} customers`,
    nameZh: "Chinese name",
    nameEn: "English name",
  },
);
