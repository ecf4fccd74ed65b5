import { Button } from "antd";
import { Link } from "react-router";
import { Deadline } from "@/components/Deadline";
import { MicroChart, MicroTrack } from "@/components/MicroChart";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { StateTag } from "@/components/StateTag";
import { Ago } from "@/components/Time";
import { common, useText, word } from "@/i18n";
import { ActPopover } from "@/work/ActPopover";
import { ContactLine } from "@/work/ContactLine";
import styles from "./alertcard.module.css";
import { cardText } from "./cardMessages";
import { microOf } from "./micro";
import { type AlertRow, actable, isOpen, stateOf } from "./row";
import { plain, sentence, type Telling } from "./sentence";

interface Props {
  row: AlertRow;
  /** Of the element, by which the list scrolls to it. */
  id: string;
  telling: Telling;
  mayAct: boolean;
  isCurrent?: boolean;
  /** It no longer belongs to the list, and goes when the list is read anew. */
  isLeaving?: boolean;
  /** Whether the form of an act is open, kept by the page since a key opens it too. */
  acting: boolean;
  onActing: (open: boolean) => void;
  onAcknowledge: () => void;
  onActed: () => void;
}

/** An alert as ui.md section 4 draws it: who and how urgent, why, on what evidence, and what can be done about it. */
export function AlertCard({ row, telling, ...props }: Props) {
  const t = useText(cardText);
  const shared = useText(common);
  const parts = sentence(row, telling);
  const micro = microOf(row, telling.now, telling.ruleOf?.(row.rule));
  const name = row.customer_name ?? row.customer_id;
  const path = `/alerts/${encodeURIComponent(row.alert_id)}`;
  const open = isOpen(row);
  return (
    <li
      id={props.id}
      className={[
        styles.card,
        styles[row.severity] ?? "",
        props.isCurrent ? styles.current : "",
        props.isLeaving ? styles.leaving : "",
      ].join(" ")}
      aria-current={props.isCurrent ? "true" : undefined}
    >
      <div className={styles.head}>
        <SeverityTag severity={row.severity} />
        <span>{word(shared.kindLong, row.kind)}</span>
        <Link className={styles.name} to={`/customers/${encodeURIComponent(row.customer_id)}`}>
          {name}
        </Link>
        <span className={styles.end}>{open && <Deadline at={row.due_at} calendar={row.calendar} />}</span>
      </div>
      <Link className={styles.sentence} to={path} aria-label={`${t.open(name)} · ${plain(parts)}`}>
        <Sentence parts={parts} />
      </Link>
      <div className={styles.evidence}>
        {micro &&
          ("share" in micro ? (
            <MicroTrack {...micro} severity={row.severity} label={plain(parts)} />
          ) : (
            <MicroChart {...micro} severity={row.severity} label={plain(parts)} />
          ))}
        <span className={styles.wide}>{t.rule(row.rule.id, row.rule.version)}</span>
        <span>{t.evidence(row.evidence)}</span>
        <Ago at={row.raised_at} />
        <span className={styles.wide}>{smsOf(row, t, shared)}</span>
      </div>
      <div className={styles.foot}>
        {props.mayAct && open && (
          <div className={styles.buttons}>
            {row.state === "raised" && (
              <Button onClick={props.onAcknowledge}>
                {shared.action.acknowledge} <kbd>a</kbd>
              </Button>
            )}
            <ActPopover
              item={actable(row)}
              open={props.acting}
              onOpenChange={props.onActing}
              onDone={() => props.onActed()}
            >
              <Button>
                {shared.action.act} <kbd>e</kbd>
              </Button>
            </ActPopover>
          </div>
        )}
        <ContactLine customerId={row.customer_id} wish={row.do_not_disturb} brief />
        <span className={styles.end}>
          <StateTag of="alert" state={stateOf(row)} outcome={row.outcome} level={row.escalated_to} />
          {props.isLeaving && <em> · {t.leaving}</em>}
        </span>
        <span className={styles.wide}>{t.manager(row.manager_name ?? row.manager_id ?? "—")}</span>
        <Link className={styles.why} to={`/why/${encodeURIComponent(row.alert_id)}`}>
          {shared.action.why} <kbd>w</kbd>
        </Link>
      </div>
    </li>
  );
}

function smsOf(row: AlertRow, t: typeof cardText.zh, shared: typeof common.zh): string {
  if (row.sms_state) {
    return t.sms(word(shared.smsState, row.sms_state));
  }
  return row.kind === "churn_warning" ? t.onlyManager : t.noSms;
}
