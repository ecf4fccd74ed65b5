import { Button, Descriptions, Timeline } from "antd";
import { type ReactNode, useState } from "react";
import { Link } from "react-router";
import type { Schema } from "@/api/client";
import { BlockError } from "@/components/BlockError";
import { Deadline } from "@/components/Deadline";
import { QueryBlock } from "@/components/QueryBlock";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { Skeletons } from "@/components/Skeletons";
import { StateTag } from "@/components/StateTag";
import { ShortTime } from "@/components/Time";
import { money, number, period as periodOf } from "@/format";
import { common, useLanguage, useText, word } from "@/i18n";
import { ClaimTag } from "@/work/ClaimTag";
import { ContactLine } from "@/work/ContactLine";
import { claimOf } from "@/work/claim";
import { LogLine } from "@/work/LogLine";
import { useNameOf } from "@/work/names";
import { AlertFigures } from "./AlertFigures";
import { panelText } from "./messages";
import styles from "./panel.module.css";
import { stageOf, stateOf } from "./row";
import { SmsTag } from "./SmsTag";
import { sentence, told } from "./sentence";
import { useAlert, useChain, useCustomerPage, useWorkItem } from "./useItem";
import { useTelling } from "./useTelling";

type Alert = Schema<"AlertView">;

interface Props {
  id: string;
  /** Buttons at the foot, for the alert that was read. */
  actions: (alert: Alert) => ReactNode;
}

/** One alert: why in a sentence, the figures against their baseline, evidence, rule, SMS, work item, history. */
export function AlertPanel({ id, actions }: Props) {
  const t = useText(panelText);
  const query = useAlert(id);
  return (
    <QueryBlock query={query} what={t.panel} skeleton={<Skeletons n={6} height={56} />}>
      {alert => <Loaded key={alert.alert_id} alert={alert} actions={actions} />}
    </QueryBlock>
  );
}

function Loaded({ alert, actions }: { alert: Alert; actions: Props["actions"] }) {
  const t = useText(panelText);
  const shared = useText(common);
  const telling = useTelling();
  const page = useCustomerPage(alert.customer_id);
  const work = useWorkItem(alert.work_id);
  const nameOf = useNameOf();
  // It is due when its work is.
  const clock = work.data?.state === "closed" ? undefined : (work.data ?? alert);
  const label = told(alert, telling);
  const rule = telling.ruleOf?.(alert.rule);
  return (
    <div className={styles.panel}>
      <div className={styles.scroll}>
        <div className={styles.line}>
          <SeverityTag severity={alert.severity} />
          <StateTag of="alert" state={stateOf(alert)} outcome={alert.outcome} level={alert.escalated_to} />
          {alert.stage && <span>{stageOf(alert, shared)}</span>}
          <Deadline at={clock?.due_at} calendar={clock?.calendar} focusable />
          {alert.late && <span className="kam-secondary">{t.late}</span>}
        </div>
        {alert.suppressed && (
          <p className="kam-secondary">
            {t.heldUntil} <ShortTime at={alert.suppressed.until} focusable />
            {t.heldWhy(alert.suppressed.reason)}
          </p>
        )}
        <p className={styles.sentence}>
          <Sentence parts={sentence(alert, telling)} />
        </p>
        <ContactLine customerId={alert.customer_id} />
        <QueryBlock query={page} what={t.chartOff} skeleton={<Skeletons n={1} height={226} />}>
          {found => <AlertFigures alert={alert} page={found} telling={telling} rule={rule} label={label} />}
        </QueryBlock>
        <Basis alert={alert} />
        <Section title={t.sms}>
          <SmsOf alert={alert} sms={page.data?.sms} isPending={page.isPending} />
        </Section>
        <Section title={t.work}>
          {alert.work_id ? (
            <QueryBlock query={work} what={t.work} skeleton={<Skeletons n={1} />}>
              {item => (
                <div className={styles.stack}>
                  <div className={styles.line}>
                    <Link to={`/work/${encodeURIComponent(item.work_id)}`}>{word(shared.workKind, item.kind)}</Link>
                    <StateTag of="work" state={item.state} />
                    <span>{item.manager_id ? nameOf(item.manager_id) : item.queue}</span>
                  </div>
                  {item.outcome && (
                    <ClaimTag outcome={item.outcome} claim={claimOf(item.outcome, item.updated_at, page.data)} />
                  )}
                  {item.log.slice(-3).map(entry => (
                    <div key={`${entry.at} ${entry.what}`} className="kam-small">
                      <ShortTime at={entry.at} /> <LogLine entry={entry} />
                    </div>
                  ))}
                </div>
              )}
            </QueryBlock>
          ) : (
            <span className="kam-secondary">{t.noWork}</span>
          )}
        </Section>
        <History id={alert.alert_id} />
      </div>
      <footer className={styles.actions}>{actions(alert)}</footer>
    </div>
  );
}

function Section({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** Values that met the rule, the rule in its version, and the facts that carried them. */
function Basis({ alert }: { alert: Alert }) {
  const t = useText(panelText);
  const shared = useText(common);
  const language = useLanguage();
  const value = (name: string, found: unknown): ReactNode => {
    if (typeof found === "boolean") {
      return found ? t.yes : t.no;
    }
    if (typeof found === "number") {
      const figure = /_fen(_base)?$/.test(name)
        ? money(found)
        : `${number(found)}${name.endsWith("_percent") ? "%" : ""}`;
      return <span className="kam-number">{figure}</span>;
    }
    if (name === "category" || name === "status") {
      return word(name === "category" ? shared.complaintAbout : shared.complaintState, String(found));
    }
    return typeof found === "string" && /_at$/.test(name) ? <ShortTime at={found} /> : String(found);
  };
  const items = Object.entries(alert.values ?? {})
    .filter(([, found]) => found !== null && found !== "")
    .map(([name, found]) => ({ key: name, label: word(t.figure, name), children: value(name, found) }));
  return (
    <Section title={t.basis}>
      <Descriptions
        size="small"
        column={{ xs: 1, sm: 2 }}
        items={[
          ...items,
          ...(alert.period ? [{ key: "period", label: t.period, children: periodOf(alert.period, language) }] : []),
          { key: "raised", label: t.raisedAt, children: <ShortTime at={alert.raised_at} focusable /> },
        ]}
      />
      <div className={styles.line}>
        <span>
          {t.rule}{" "}
          <Link to={`/rules/${encodeURIComponent(alert.rule.id)}?version=${alert.rule.version}`}>
            {alert.rule.id} v{alert.rule.version}
          </Link>
        </span>
        <span>{t.evidence(alert.evidence.length)}</span>
        {alert.evidence.slice(0, 4).map((id, at) => (
          <Link key={id} to={`/why/${encodeURIComponent(id)}`} className="kam-small">
            {t.caused} {at + 1}
          </Link>
        ))}
      </div>
    </Section>
  );
}

function SmsOf({ alert, sms, isPending }: { alert: Alert; sms?: readonly Schema<"SmsView">[]; isPending: boolean }) {
  const t = useText(panelText);
  if (isPending) {
    return <Skeletons n={1} height={22} />;
  }
  const own = (sms ?? []).filter(each => each.alert_id === alert.alert_id);
  if (own.length === 0) {
    return <span className="kam-secondary">{alert.kind === "churn_warning" ? t.smsToManager : t.noSms}</span>;
  }
  return (
    <ul className={styles.list}>
      {own.map(each => (
        <li key={each.sms_id}>
          <div className={styles.line}>
            <SmsTag
              state={each.state}
              reason={each.reason}
              about={[`template/${each.template}`, `kind/${alert.kind}`, `rule/${alert.rule.id}`]}
            />
            <ShortTime at={each.planned_at} />
            <Link to={`/why/${encodeURIComponent(each.sms_id)}`} className="kam-small">
              {each.phone}
            </Link>
          </div>
          <p className={styles.text}>{each.text}</p>
        </li>
      ))}
    </ul>
  );
}

/** The chain of facts, read when it is asked for. */
function History({ id }: { id: string }) {
  const t = useText(panelText);
  const shared = useText(common);
  const language = useLanguage();
  const [isOpen, setOpen] = useState(false);
  const chain = useChain(id, isOpen);
  return (
    <section className={styles.section}>
      <h3>
        <Button type="link" size="small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {t.history} {isOpen ? "▾" : "▸"}
        </Button>
        <Link to={`/why/${encodeURIComponent(id)}`}>{shared.action.why}</Link>
      </h3>
      {isOpen && chain.isPending && <Skeletons n={4} />}
      {chain.error && <BlockError what={t.history} error={chain.error} retry={() => void chain.refetch()} />}
      {isOpen && chain.data && (
        <Timeline
          items={chain.data.chain.map(link => ({
            key: link.id,
            content: (
              <>
                <ShortTime at={link.at} /> {language === "zh" ? link.summary_zh : link.summary_en}
              </>
            ),
          }))}
        />
      )}
    </section>
  );
}
