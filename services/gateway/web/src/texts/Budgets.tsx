import { useSuspenseQuery } from "@tanstack/react-query";
import { Descriptions } from "antd";
import { answer, api } from "@/api/client";
import styles from "@/documents/documents.module.css";
import type { Version } from "@/documents/model";
import { money, number } from "@/format";
import { useText } from "@/i18n";
import { textsText } from "./messages";
import { Reach } from "./Reach";

/** What SMS of the business day have taken of each budget of the policy in force. */
export default function Budgets({ version }: { version: Version }) {
  const t = useText(textsText);
  const { data } = useSuspenseQuery({
    queryKey: ["budgets"],
    queryFn: ({ signal }) => answer(api.GET("/v1/sms/budget", { signal })),
    refetchInterval: 30_000,
  });
  if (version.state !== "active") {
    return null;
  }
  return (
    <section aria-label={t.budgets} className={styles.change}>
      <Reach />
      <h3>{t.budgets}</h3>
      <Descriptions
        size="small"
        column={1}
        items={data.map(each => ({
          key: each.campaign,
          label: each.campaign === "all" ? t.allSms : each.campaign,
          children: (
            <span>
              {each.is_near && <b>{t.isNear} </b>}
              {t.used(number(each.parts), each.parts_limit === null ? "" : number(each.parts_limit))} ·{" "}
              {t.spent(money(each.fen), each.fen_limit === null ? "" : money(each.fen_limit))}
            </span>
          ),
        }))}
      />
    </section>
  );
}
