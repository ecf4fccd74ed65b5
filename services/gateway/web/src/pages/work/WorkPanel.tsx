import type { ReactNode } from "react";
import { Link } from "react-router";
import panel from "@/alerts/panel.module.css";
import { sentence } from "@/alerts/sentence";
import { useAlert, useCustomerPage, useWorkItem } from "@/alerts/useItem";
import { useTelling } from "@/alerts/useTelling";
import type { Schema } from "@/api/client";
import { Deadline } from "@/components/Deadline";
import { QueryBlock } from "@/components/QueryBlock";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { Skeletons } from "@/components/Skeletons";
import { StateTag } from "@/components/StateTag";
import { ShortTime } from "@/components/Time";
import { common, useText, word } from "@/i18n";
import { ActForm } from "@/work/ActForm";
import { ClaimTag } from "@/work/ClaimTag";
import { ContactLine } from "@/work/ContactLine";
import { claimOf } from "@/work/claim";
import { LogLine } from "@/work/LogLine";
import { useNameOf } from "@/work/names";
import { workPageText } from "./messages";

type Work = Schema<"WorkView">;

interface Props {
  id: string;
  mayAct: boolean;
  actions: (item: Work) => ReactNode;
  onActed: (id: string) => void;
}

/** One work item: why, what to mind before a contact, the two clicks, what was done so far, and what BOSS says of it. */
export function WorkPanel({ id, mayAct, actions, onActed }: Props) {
  const t = useText(workPageText);
  const query = useWorkItem(id);
  return (
    <QueryBlock query={query} what={t.panel} skeleton={<Skeletons n={6} height={56} />}>
      {item => <Loaded key={item.work_id} item={item} mayAct={mayAct} actions={actions} onActed={onActed} />}
    </QueryBlock>
  );
}

function Loaded({ item, mayAct, actions, onActed }: Omit<Props, "id"> & { item: Work }) {
  const t = useText(workPageText);
  const shared = useText(common);
  const telling = useTelling();
  const alert = useAlert(item.alert_id);
  const nameOf = useNameOf();
  const isClosed = item.state === "closed";
  const page = useCustomerPage(isClosed ? item.customer_id : undefined);
  if (alert.isPending) {
    return <Skeletons n={6} height={56} />; // all at once: nothing moves when the reason comes
  }
  return (
    <div className={panel.panel}>
      <div className={panel.scroll}>
        <div className={panel.line}>
          {alert.data && <SeverityTag severity={alert.data.severity} />}
          <span>{word(shared.workKind, item.kind)}</span>
          <StateTag of="work" state={item.state} />
          {!isClosed && <Deadline at={item.due_at} calendar={item.calendar} focusable />}
          <span className="kam-secondary">{item.manager_id ? nameOf(item.manager_id) : t.waiting}</span>
        </div>
        {isClosed && item.outcome && (
          <div>
            <ClaimTag outcome={item.outcome} claim={claimOf(item.outcome, item.updated_at, page.data)} />
          </div>
        )}
        <QueryBlock query={alert} what={t.alert} skeleton={<Skeletons n={1} height={48} />}>
          {found => (
            <p className={panel.sentence}>
              <Sentence parts={sentence(found, telling)} />
            </p>
          )}
        </QueryBlock>
        <div className={panel.line}>
          <Link to={`/alerts/${encodeURIComponent(item.alert_id)}`}>{t.alert}</Link>
          <Link to={`/customers/${encodeURIComponent(item.customer_id)}`}>{t.customer}</Link>
          <Link to={`/why/${encodeURIComponent(item.work_id)}`}>{shared.action.why}</Link>
        </div>
        {mayAct && !isClosed ? (
          <section className={panel.section}>
            <ActForm item={item} onDone={() => onActed(item.work_id)} />
          </section>
        ) : (
          <ContactLine customerId={item.customer_id} />
        )}
        <section className={panel.section}>
          <h3>{t.history}</h3>
          <ul className={panel.list}>
            {[...item.log].reverse().map((entry, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines of a log have no identity but their place
              <li key={item.log.length - at}>
                <ShortTime at={entry.at} focusable={at === 0} /> <LogLine entry={entry} />
              </li>
            ))}
          </ul>
        </section>
      </div>
      <footer className={panel.actions}>{actions(item)}</footer>
    </div>
  );
}
