import { count, messages } from "@/i18n";

export const commandText = messages(
  {
    acknowledged: (n: number) => `已知悉 ${n} 条`,
    handedOver: (n: number, name: string) => `已转派 ${n} 条给${name}`,
    refused: (n: number, why: string) => `，${n} 条没成：${why}`,
    failed: (why: string) => `没做成。${why}`,
  },
  {
    acknowledged: n => `${n.toLocaleString("en")} acknowledged`,
    handedOver: (n, name) => `${count(n, "item")} handed over to ${name}`,
    refused: (n, why) => `; ${n} refused: ${why}`,
    failed: why => `Not done. ${why}`,
  },
);
