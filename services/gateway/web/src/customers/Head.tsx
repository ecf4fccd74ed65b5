import { EyeOutlined, KeyOutlined, MutedOutlined } from "@ant-design/icons";
import { Button, Input, Popover, Tooltip } from "antd";
import { type ReactNode, useState } from "react";
import { answer, api, asProblem, type Problem } from "@/api/client";
import { BlockError } from "@/components/BlockError";
import { Money } from "@/components/Money";
import { useNow } from "@/habits/clock";
import { common, useText, word } from "@/i18n";
import { ContactFacts } from "@/work/ContactLine";
import styles from "./customer.module.css";
import { customerText } from "./messages";
import type { View } from "./useCustomer";

/** What was revealed, field by field; gone when its time is over. */
export type Revealed = Readonly<Record<string, string>>;

/** What is shown unmasked for a while; `show` keeps a value until its end. */
export function useRevealed(): [Revealed, (field: string, value: string, seconds: number) => void] {
  const [revealed, setRevealed] = useState<Revealed>({});
  const show = (field: string, value: string, seconds: number): void => {
    setRevealed(last => ({ ...last, [field]: value }));
    setTimeout(
      () => setRevealed(last => Object.fromEntries(Object.entries(last).filter(([name]) => name !== field))),
      seconds * 1000,
    );
  };
  return [revealed, show];
}

interface Props {
  view: View;
  revealed: Revealed;
  onReveal: (field: string, value: string, seconds: number) => void;
  actions?: ReactNode;
}

/** The two rows that stay in sight: who it is, what must be seen before they are contacted, and what they are worth. */
export function Head({ view, revealed, onReveal, actions }: Props) {
  const t = useText(customerText);
  const shared = useText(common);
  const { customer, manager, figures, contacts } = view;
  const phone = revealed.phone ?? customer.phone;
  return (
    <div className={styles.head}>
      <div className={styles.headRow}>
        <strong className={styles.name}>{customer.customer_name ?? customer.customer_id}</strong>
        {customer.customer_kind && <span className="kam-secondary">{word(t.kind, customer.customer_kind)}</span>}
        <span className="kam-number">{phone ?? "—"}</span>
        {view.reveals.includes("phone") && phone && !revealed.phone && (
          <Reveal id={customer.customer_id} field="phone" onReveal={onReveal} />
        )}
        {customer.status && customer.status !== "active" && (
          <span className={styles.flag}>{word(shared.customerStatus, customer.status)}</span>
        )}
        {customer.role === "key_contact" && (
          <Flag icon={<KeyOutlined />} text={t.flags.keyContact} hint={t.flags.keyContactHint} />
        )}
        {customer.do_not_disturb && (
          <Flag icon={<MutedOutlined />} text={t.flags.doNotDisturb} hint={t.flags.doNotDisturbHint} warning />
        )}
        <span className={styles.end}>{actions}</span>
      </div>
      <div className={styles.figures}>
        <span>
          {t.manager} <b>{manager?.name ?? manager?.manager_id ?? "—"}</b>
          {manager?.extension && <span className="kam-secondary"> {t.extension(manager.extension)}</span>}
          {manager?.unit_name && <span className="kam-secondary"> · {manager.unit_name}</span>}
        </span>
        {figures && figures.months > 0 && (
          <span>
            {t.mean(figures.months)}{" "}
            <b>
              <Money fen={figures.mean_fen} />
            </b>
          </span>
        )}
        {figures && (
          <span className={(figures.arrears_fen ?? 0) > 0 ? styles.owes : ""}>
            {t.arrears}{" "}
            <b>
              <Money fen={figures.arrears_fen} />
            </b>
            {figures.suspended && ` · ${t.suspended}`}
          </span>
        )}
        {figures?.balance_fen !== null && figures?.balance_fen !== undefined && (
          <span>
            {t.balance} <Money fen={figures.balance_fen} />
          </span>
        )}
        <InNetwork since={customer.opened_on} />
        {contacts && <ContactFacts contacts={contacts} />}
      </div>
    </div>
  );
}

function Flag({ icon, text, hint, warning }: { icon: ReactNode; text: string; hint: string; warning?: boolean }) {
  return (
    <Tooltip title={hint} trigger={["hover", "focus", "click"]}>
      <button type="button" className={`${styles.flag} ${warning ? styles.warning : ""}`}>
        {icon} {text}
      </button>
    </Tooltip>
  );
}

function InNetwork({ since }: { since: string | null }) {
  const t = useText(customerText);
  const now = new Date(useNow(3_600_000));
  if (!since) {
    return null;
  }
  const [year, month] = since.split("-").map(Number) as [number, number];
  const months = (now.getFullYear() - year) * 12 + now.getMonth() + 1 - month;
  if (!(months >= 0)) {
    return null;
  }
  return (
    <span>
      {t.inNetwork} {months >= 12 ? t.years(Math.floor(months / 12), months % 12) : t.months(months)}
    </span>
  );
}

/** Shows a masked field for a while to whoever says why. */
export function Reveal({ id, field, onReveal }: { id: string; field: string; onReveal: Props["onReveal"] }) {
  const t = useText(customerText);
  const [isOpen, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const label = t.revealTitle(word(t.fields, field));
  const ask = async (): Promise<void> => {
    if (!reason.trim() || isAsking) {
      return;
    }
    setAsking(true);
    try {
      const found = await answer(
        api.POST("/v1/customers/{id}/reveal", {
          params: { path: { id } },
          body: { field, reason: reason.trim() } as never,
        }),
      );
      setOpen(false);
      setReason("");
      onReveal(field, String(found.value ?? "—"), found.seconds);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setAsking(false);
    }
  };
  return (
    <Popover
      trigger="click"
      title={label}
      open={isOpen}
      onOpenChange={next => {
        setOpen(next);
        setProblem(undefined);
      }}
      content={
        <div className={styles.reveal}>
          <Input
            autoFocus
            value={reason}
            maxLength={200}
            placeholder={t.revealReason}
            aria-label={t.revealReason}
            onChange={event => setReason(event.target.value)}
            onPressEnter={event => !event.nativeEvent.isComposing && void ask()}
          />
          <Button type="primary" loading={isAsking} disabled={!reason.trim()} onClick={() => void ask()}>
            {t.reveal}
          </Button>
          {problem && <BlockError error={problem} what={label} />}
        </div>
      }
    >
      <Button type="text" size="small" icon={<EyeOutlined />} aria-label={label} />
    </Popover>
  );
}
