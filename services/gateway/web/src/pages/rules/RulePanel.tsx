import { Descriptions, Select } from "antd";
import { useSearchParams } from "react-router";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { useLanguage, useText } from "@/i18n";
import type { Role } from "@/session/api";
import { useMe } from "@/session/session";
import { AskWhyNot } from "@/whynot/Ask";
import { Change } from "./Change";
import { History } from "./History";
import { rulesText } from "./messages";
import styles from "./rules.module.css";
import { differences, parameters, type Rule, ruleSentence } from "./ruleText";
import { Yesterday } from "./Yesterday";

/** Who changes rules, unless an administrator has decided otherwise: then the answer says so. */
const CHANGING: readonly Role[] = ["analyst", "administrator"];

interface Props {
  versions: readonly [Rule, ...Rule[]];
  yesterday: number | undefined;
  link: string;
}

/** One rule: a version as a sentence with its parameters, and what another says otherwise. */
export function RulePanel({ versions, yesterday, link }: Props) {
  const t = useText(rulesText);
  const language = useLanguage();
  const mayChange = CHANGING.includes(useMe().role);
  const [query, setQuery] = useSearchParams();
  const numbered = (name: string): Rule | undefined => versions.find(rule => String(rule.version) === query.get(name));
  const rule = numbered("version") ?? versions[0];
  const canGoBack = versions.some(each => each.state === "retired");
  const before = numbered("against") ?? versions.find(each => each.version < rule.version);
  const choose = (name: string, value: number): void => {
    const next = new URLSearchParams(query);
    next.set(name, String(value));
    setQuery(next, { replace: true });
  };
  return (
    <div className={styles.panel}>
      <p className={styles.head}>
        <code>{rule.id}</code>
        {versions.length > 1 ? (
          <Select
            size="small"
            aria-label={t.versions}
            value={rule.version}
            options={versions.map(each => ({
              value: each.version,
              label: t.standing(each.version, t.states[each.state]),
            }))}
            onChange={value => choose("version", value)}
          />
        ) : (
          <b>{t.standing(rule.version, t.states[rule.state])}</b>
        )}
        {typeof rule.severity === "string" && <SeverityTag severity={rule.severity as never} />}
        <span>
          {t.yesterday} <Yesterday of={yesterday} link={link} />
        </span>
      </p>
      <p className={styles.sentence}>
        <Sentence parts={ruleSentence(rule, language)} />
      </p>
      <AskWhyNot rule={rule.id} />
      <section aria-label={t.versions}>
        <h3>{before ? t.difference(rule.version, before.version) : t.versions}</h3>
        {before ? <Differences from={before} to={rule} /> : <p className="kam-secondary">{t.first}</p>}
      </section>
      {mayChange && rule === versions[0] && (rule.state === "active" || canGoBack) && (
        <Change key={rule.version} rule={rule} canGoBack={canGoBack} />
      )}
      <History versions={versions} />
      <section aria-label={t.parameters}>
        <h3>{t.parameters}</h3>
        <Descriptions
          size="small"
          column={1}
          items={parameters(rule, language).map(({ field, label, value }) => ({
            key: field,
            label,
            children: <span className={styles.value}>{value}</span>,
          }))}
        />
      </section>
      <p className="kam-small kam-secondary">{mayChange ? t.editing : t.readOnly}</p>
    </div>
  );
}

function Differences({ from, to }: { from: Rule; to: Rule }) {
  const t = useText(rulesText);
  const language = useLanguage();
  const found = differences(from, to, language);
  return found.length === 0 ? (
    <p className="kam-secondary">{t.same}</p>
  ) : (
    <ul className={styles.differences}>
      {found.map(({ field, label, value }) => (
        <li key={field}>
          {label} <b>{value}</b>
        </li>
      ))}
    </ul>
  );
}
