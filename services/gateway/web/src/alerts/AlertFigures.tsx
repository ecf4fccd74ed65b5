import { useMemo } from "react";
import type { Schema } from "@/api/client";
import { ChartCard } from "@/components/ChartCard";
import { useText } from "@/i18n";
import { useMode } from "@/theme/ThemeProvider";
import { palettes } from "@/theme/tokens";
import { baselineOf, monthsOf, optionsOf, tableOf } from "./chart";
import type { AlertFacts, RuleFacts, Telling } from "./facts";
import { panelText } from "./messages";

interface Props {
  alert: AlertFacts;
  page: Schema<"WholeCustomer">;
  telling: Telling;
  rule?: RuleFacts;
  /** The sentence: what the chart shows to who does not see it. */
  label: string;
}

/** The figure that the alert is about, month by month, against what is normal and where the rule warns. */
export function AlertFigures({ alert, page, telling, rule, label }: Props) {
  const t = useText(panelText);
  const mode = useMode();
  const { language } = telling;
  const isMinutes = alert.kind === "churn_warning" && alert.reasons?.[0]?.code === "minutes_fall";
  const figure = isMinutes ? "voice_minutes" : "amount_fen";
  const facts = isMinutes ? page.usages : page.bills;
  const shown = useMemo(() => {
    const months = monthsOf(facts, figure, alert.kind === "churn_warning" ? (alert.period ?? undefined) : undefined);
    if (months.length < 2) {
      return undefined;
    }
    const baseline = baselineOf(alert, figure, months, rule);
    const line = alert.kind === "arrears" ? t.debtLine : alert.kind === "contract_expiring" ? t.feeLine : t.ruleLine;
    const words = { figure: t.figures[figure], line, normal: t.normal, month: t.month };
    const about = { months, baseline, isMoney: !isMinutes, language, words };
    return { options: optionsOf({ ...about, colours: palettes[mode] }), table: tableOf(about) };
  }, [facts, figure, alert, rule, t, isMinutes, language, mode]);
  if (!shown) {
    return <p className="kam-secondary kam-small">{t.noFigures}</p>;
  }
  return <ChartCard title={t.chart(t.figures[figure])} label={label} height={168} {...shown} />;
}
