import { Button } from "antd";
import { brief, type Telling } from "@/alerts/sentence";
import { Deadline } from "@/components/Deadline";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { StateTag } from "@/components/StateTag";
import { ShortTime } from "@/components/Time";
import { shortDate } from "@/format";
import { common, useText, word } from "@/i18n";
import { ActPopover } from "@/work/ActPopover";
import { ClaimTag } from "@/work/ClaimTag";
import { claimOf } from "@/work/claim";
import { factsOf } from "@/work/facts";
import { workText } from "@/work/messages";
import { useNameOf } from "@/work/names";
import type { WorkRow } from "./fields";
import { workPageText } from "./messages";
import styles from "./work.module.css";

interface Props {
  row: WorkRow;
  id: string;
  telling: Telling;
  isCurrent: boolean;
  isOpen: boolean;
  isLeaving: boolean;
  isSelected: boolean;
  mayAct: boolean;
  /** Whether others than one's own items are in the list: then it says whose each is. */
  saysWho: boolean;
  acting: boolean;
  onActing: (open: boolean) => void;
  onSelect: () => void;
  onShow: () => void;
  onAccept: () => void;
  onActed: () => void;
}

/** A work item in the list: what, for whom, why, until when, and its next step at hand. */
export function Item(props: Props) {
  const { row, telling } = props;
  const t = useText(workPageText);
  const words = useText(workText);
  const shared = useText(common);
  const nameOf = useNameOf();
  const name = row.customer_name ?? row.customer_id;
  return (
    <li
      id={props.id}
      data-row-key={row.work_id}
      className={[
        styles.item,
        styles[row.severity ?? "minor"],
        props.isCurrent ? styles.current : "",
        props.isLeaving ? styles.leaving : "",
      ].join(" ")}
      aria-current={props.isOpen ? "true" : undefined}
    >
      {props.mayAct && (
        <input
          type="checkbox"
          className={styles.check}
          checked={props.isSelected}
          aria-label={`${t.select} ${name}`}
          onChange={props.onSelect}
        />
      )}
      <button type="button" className={styles.open} onClick={props.onShow} tabIndex={-1}>
        <span className={styles.head}>
          {row.severity && <SeverityTag severity={row.severity} />}
          <span>{word(shared.workKind, row.kind)}</span>
          <b>{name}</b>
          <span className={styles.why}>
            <Sentence parts={brief(factsOf(row), telling)} />
          </span>
        </span>
        <span className={styles.foot}>
          {props.isLeaving && <em>{t.leaving}</em>}
          {row.state === "closed" && row.outcome ? (
            <ClaimTag outcome={row.outcome} claim={claimOf(row.outcome, row.due_at)} />
          ) : (
            <StateTag of="work" state={row.state} />
          )}
          {props.saysWho && <span>{row.holder_id ? t.holder(holderName(row, nameOf)) : t.waiting}</span>}
          {row.contact_at && (
            <span>
              {words.contact.last} <ShortTime at={row.contact_at} />{" "}
              {[
                row.contact_kind && word(words.act, row.contact_kind),
                row.contact_result && word(words.results, row.contact_result),
              ]
                .filter(Boolean)
                .join(" · ")}
            </span>
          )}
          {row.follow_up_on && <span>{t.next(shortDate(row.follow_up_on, telling.now, telling.language))}</span>}
          {row.do_not_disturb && <b className={styles.warning}>{words.contact.doNotDisturb}</b>}
        </span>
      </button>
      <span className={styles.side}>
        {row.state !== "closed" && <Deadline at={row.due_at} calendar={row.calendar} />}
        {props.mayAct && row.state === "new" && (
          <Button size="small" tabIndex={-1} onClick={props.onAccept}>
            {row.holder_id ? shared.action.accept : t.claim}
          </Button>
        )}
        {props.mayAct && row.state !== "closed" && (
          <ActPopover item={row} open={props.acting} onOpenChange={props.onActing} onDone={props.onActed}>
            <Button size="small" tabIndex={-1} type={row.state === "new" ? "default" : "primary"}>
              {shared.action.act}
            </Button>
          </ActPopover>
        )}
      </span>
    </li>
  );
}

function holderName(row: WorkRow, nameOf: (id: string) => string): string {
  return (row.holder_id === row.manager_id ? row.manager_name : null) ?? nameOf(row.holder_id ?? "");
}
