import { Button, Drawer } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { useAlertCommands } from "@/alerts/commands";
import { stateOf } from "@/alerts/row";
import { sentence } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { Deadline } from "@/components/Deadline";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { StateTag } from "@/components/StateTag";
import { common, useText, word } from "@/i18n";
import { whyNotText } from "@/whynot/messages";
import { WhyNot } from "@/whynot/WhyNot";
import { ActPopover } from "@/work/ActPopover";
import styles from "./customer.module.css";
import { customerText } from "./messages";
import type { View } from "./useCustomer";

/** Open alerts of the customer, each with why and what can be done about it here. */
export function AlertLines({ view, mayAct, onDone }: { view: View; mayAct: boolean; onDone: () => void }) {
  const t = useText(customerText);
  const shared = useText(common);
  const telling = useTelling();
  const whyNot = useText(whyNotText);
  const [isAsking, setAsking] = useState(false);
  const { acknowledge } = useAlertCommands(onDone);
  const { customer_id: id, customer_name: name } = view.customer;
  return (
    <section className={styles.card} aria-label={t.alerts(view.alerts.length)}>
      <div className={styles.titled}>
        <h2>{t.alerts(view.alerts.length)}</h2>
        <Button size="small" type="link" onClick={() => setAsking(true)}>
          {whyNot.title}
        </Button>
      </div>
      <Drawer size="large" title={whyNot.of(name ?? id)} open={isAsking} onClose={() => setAsking(false)}>
        {isAsking && <WhyNot customer={id} />}
      </Drawer>
      {view.alerts.length === 0 && <p className="kam-secondary">{t.noAlerts}</p>}
      <ul className={styles.alerts}>
        {view.alerts.map(alert => (
          <li key={alert.alert_id} className={styles.alert}>
            <SeverityTag severity={alert.severity} />
            <span>{word(shared.kind, alert.kind)}</span>
            <Link className={styles.sentence} to={`/alerts/${encodeURIComponent(alert.alert_id)}`}>
              <Sentence parts={sentence(alert, telling)} />
            </Link>
            <Deadline at={alert.due_at} calendar={alert.calendar} />
            {mayAct && (
              <span className={styles.buttons}>
                {alert.state === "raised" ? (
                  <Button size="small" onClick={() => void acknowledge([alert.alert_id])}>
                    {shared.action.acknowledge}
                  </Button>
                ) : (
                  <StateTag of="alert" state={stateOf(alert)} level={alert.escalated_to} />
                )}
                {alert.work_id && (
                  <ActPopover
                    item={{
                      work_id: alert.work_id,
                      customer_id: alert.customer_id,
                      customer_name: alert.customer_name,
                      kind: WORK_OF[alert.kind] ?? "follow_up",
                    }}
                    onDone={onDone}
                  >
                    <Button size="small" type="primary">
                      {shared.action.act}
                    </Button>
                  </ActPopover>
                )}
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Kind of work that an alert asks for; the form offers the results of that kind. */
const WORK_OF: Record<string, string> = {
  churn_warning: "retention",
  arrears: "dunning",
  complaint_opened: "complaint_follow_up",
  contract_expiring: "renewal",
  attention: "attention",
};
