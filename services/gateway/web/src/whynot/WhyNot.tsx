import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { plain } from "@/alerts/wording";
import { answer, api } from "@/api/client";
import { EmptyState } from "@/components/EmptyState";
import { QueryBlock } from "@/components/QueryBlock";
import { Sentence } from "@/components/Sentence";
import { Skeletons } from "@/components/Skeletons";
import { period as periodName } from "@/format";
import { common, useLanguage, useText, word } from "@/i18n";
import { type Condition, conditionSentence, type RuleAnswer } from "./condition";
import { whyNotText } from "./messages";
import styles from "./whynot.module.css";

/** What each rule, or one of them, says of a customer: every condition with its value and limit. */
export function WhyNot({ customer, rule }: { customer: string; rule?: string }) {
  const t = useText(whyNotText);
  const language = useLanguage();
  const [asked, setAsked] = useState<string>();
  const [chosen, setChosen] = useState(rule);
  const query = useQuery({
    queryKey: ["why-not", customer, asked],
    queryFn: ({ signal }) =>
      answer(
        api.GET("/v1/customers/{id}/why-not", {
          params: { path: { id: customer }, query: { period: asked } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
  return (
    <QueryBlock query={query} what={t.what} skeleton={<Skeletons n={rule ? 1 : 6} height={96} />}>
      {found => {
        const rules = found.rules.filter(each => chosen === undefined || each.rule === chosen);
        const months = [...new Set([found.period, ...found.periods])].sort().reverse();
        return (
          <div className={styles.rules}>
            <span>
              <Select
                aria-label={t.month}
                value={found.period}
                popupMatchSelectWidth={false}
                options={months.map(value => ({ value, label: periodName(value, language) }))}
                onChange={setAsked}
              />{" "}
              {rule === undefined && (
                <Select
                  aria-label={t.which}
                  placeholder={t.every}
                  allowClear
                  value={chosen}
                  popupMatchSelectWidth={false}
                  options={found.rules.map(each => ({
                    value: each.rule,
                    label: language === "zh" ? each.name_zh : each.name_en,
                  }))}
                  onChange={setChosen}
                />
              )}
            </span>
            {rules.length === 0 && <EmptyState text={t.none} />}
            {rules.map(each => (
              <Rule key={each.rule} rule={each} period={found.period} />
            ))}
          </div>
        );
      }}
    </QueryBlock>
  );
}

function Rule({ rule, period }: { rule: RuleAnswer; period: string }) {
  const t = useText(whyNotText);
  const shared = useText(common);
  const language = useLanguage();
  const name = language === "zh" ? rule.name_zh : rule.name_en;
  const isMet = (condition: Condition): boolean => condition.met === true;
  const told = [...rule.any_of, ...rule.all_of.filter(each => !isMet(each))];
  const rest = rule.all_of.filter(isMet).map(each => plain(conditionSentence(each, period, language)));
  const [alert] = rule.alerts;
  const outcome = alert?.outcome;
  return (
    <section className={styles.rule} aria-label={name}>
      <h3 className={styles.head}>
        <span>
          {word(shared.kind, rule.kind)} · {name}{" "}
          <span className="kam-secondary">
            {rule.rule} v{rule.version}
          </span>
        </span>
        <span className={styles.verdict}>
          {t.verdict[rule.verdict]}
          {outcome && ` · ${word(shared.outcome, outcome)}`}
        </span>
      </h3>
      <ul className={styles.conditions}>
        {told.map(each => (
          <li key={keyOf(each)}>
            <Mark met={each.met} />
            <span>
              <Sentence parts={conditionSentence(each, period, language)} />
            </span>
          </li>
        ))}
        {rest.length > 0 && (
          <li className="kam-secondary">
            <Mark met />
            <span>
              {t.others}
              {rest.join(language === "zh" ? "；" : "; ")}
            </span>
          </li>
        )}
      </ul>
      {alert && <Link to={`/alerts/${encodeURIComponent(alert.alert_id)}`}>{t.open}</Link>}
    </section>
  );
}

/** Several contracts, complaints, lists, or the same exclusion now and then, are several conditions. */
function keyOf({ code, values }: Condition): string {
  return [code, values.complaint_id ?? values.contract_id ?? values.list ?? "", values.held_at ?? ""].join(" ");
}

/** Met, not met or not known: by its shape and, for who does not see it, its word. */
function Mark({ met }: { met: boolean | null }) {
  const t = useText(whyNotText);
  const [glyph, text, look] =
    met === null
      ? (["?", t.unknown, styles.unknown] as const)
      : met
        ? (["✓", t.met, styles.met] as const)
        : (["✕", t.unmet, styles.unmet] as const);
  return (
    <span className={`${styles.mark} ${look}`}>
      <span aria-hidden>{glyph}</span>
      <span className="kam-hidden">{text}</span>
    </span>
  );
}
