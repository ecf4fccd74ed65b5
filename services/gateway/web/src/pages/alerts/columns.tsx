import { Button } from "antd";
import { Link } from "react-router";
import { actable, isOpen, stageOf, stateOf } from "@/alerts/row";
import { amountOf, brief, type Telling } from "@/alerts/sentence";
import type { Column } from "@/components/DataTable";
import { Deadline } from "@/components/Deadline";
import { Money } from "@/components/Money";
import { Sentence } from "@/components/Sentence";
import { SeverityTag } from "@/components/SeverityTag";
import { StateTag } from "@/components/StateTag";
import { Ago } from "@/components/Time";
import { type common, word } from "@/i18n";
import { cityName } from "@/places/cityName";
import { ActPopover } from "@/work/ActPopover";
import styles from "./alerts.module.css";
import type { AlertRow } from "./fields";
import type { alertsText } from "./messages";

/** Columns without which a row does not say what it is. */
export const FIXED = ["severity", "customer", "reason"];
export const FIRST = ["severity", "kind", "customer", "reason", "amount", "due", "state", "manager", "actions"];
/** Those that stay beside an open item. */
export const BESIDE = ["severity", "customer", "reason", "due", "state"];
export const ALL = [...FIRST.slice(0, -1), "stage", "sms", "raised", "city", "work", "actions"];

interface Around {
  t: typeof alertsText.zh;
  shared: typeof common.zh;
  telling: Telling;
  /** An item is open beside: there is room for what says which row it is. */
  isBeside: boolean;
  isLeaving: (id: string) => boolean;
  mayAct: boolean;
  acting: string | undefined;
  onAct: (id: string, isOpen: boolean) => void;
  onActed: (row: AlertRow) => void;
  onAcknowledge: (row: AlertRow) => void;
}

export function columnsOf(around: Around): readonly Column<AlertRow>[] {
  const { t, shared, telling, isBeside, isLeaving } = around;
  return [
    {
      key: "severity",
      title: t.column.severity,
      width: 108, // ▲ Important
      sort: "severity",
      render: row => <SeverityTag severity={row.severity} />,
    },
    { key: "kind", title: t.column.kind, width: 64, render: row => word(shared.kind, row.kind) },
    {
      key: "customer",
      title: t.column.customer,
      width: 100,
      render: row => (
        <Link
          to={`/customers/${encodeURIComponent(row.customer_id)}`}
          className={styles.customer}
          onClick={event => event.stopPropagation()}
          tabIndex={-1}
        >
          {row.customer_name ?? row.customer_id}
        </Link>
      ),
    },
    {
      key: "reason",
      title: t.column.reason,
      width: isBeside ? 200 : telling.language === "zh" ? 250 : 220,
      render: row => (
        <span className={styles.reason}>
          {isLeaving(row.alert_id) && <em>{t.leaving} · </em>}
          <Sentence parts={brief(row, telling)} />
        </span>
      ),
    },
    {
      key: "amount",
      title: t.column.amount,
      width: 104,
      align: "end",
      sort: "amount",
      render: row => <Money fen={row.amount_fen ?? amountOf(row)} />,
    },
    {
      key: "due",
      title: t.column.due,
      width: 112,
      sort: "due",
      render: row => (isOpen(row) ? <Deadline at={row.due_at} calendar={row.calendar} /> : null),
    },
    {
      key: "state",
      title: t.column.state,
      width: isBeside ? 124 : 164, // ⇧ 已上报 · 单位负责人
      render: row => (
        <StateTag
          of="alert"
          state={stateOf(row)}
          outcome={isBeside ? undefined : row.outcome}
          level={isBeside ? undefined : row.escalated_to}
        />
      ),
    },
    {
      key: "manager",
      title: t.column.manager,
      width: 84,
      render: row => <span className={styles.clip}>{row.manager_name ?? row.manager_id ?? "—"}</span>,
    },
    {
      key: "stage",
      title: t.column.stage,
      width: 104,
      render: row => stageOf(row, shared),
    },
    {
      key: "sms",
      title: t.column.sms,
      width: 96,
      render: row => (row.sms_state ? <StateTag of="sms" state={row.sms_state} /> : "—"),
    },
    { key: "raised", title: t.column.raised, width: 108, sort: "raised", render: row => <Ago at={row.raised_at} /> },
    { key: "city", title: t.column.city, width: 80, render: row => (row.city ? cityName(row.city) : "—") },
    {
      key: "work",
      title: t.column.work,
      width: 96,
      render: row => (row.work_state ? <StateTag of="work" state={row.work_state} /> : "—"),
    },
    {
      key: "actions",
      title: t.column.actions,
      width: telling.language === "zh" ? 124 : 172,
      render: row =>
        around.mayAct && isOpen(row) ? (
          // biome-ignore lint/a11y/noStaticElementInteractions: it only keeps clicks from opening the row
          // biome-ignore lint/a11y/useKeyWithClickEvents: as above
          <span className={styles.actions} onClick={event => event.stopPropagation()}>
            {row.state === "raised" && (
              <Button size="small" tabIndex={-1} onClick={() => around.onAcknowledge(row)}>
                {shared.action.acknowledge}
              </Button>
            )}
            <ActPopover
              item={actable(row)}
              open={around.acting === row.alert_id}
              onOpenChange={open => around.onAct(row.alert_id, open)}
              onDone={() => around.onActed(row)}
            >
              <Button size="small" tabIndex={-1}>
                {shared.action.act}
              </Button>
            </ActPopover>
          </span>
        ) : null,
    },
  ];
}
