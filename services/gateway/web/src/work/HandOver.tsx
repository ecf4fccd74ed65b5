import { Modal, Select } from "antd";
import { useState } from "react";
import { BlockError } from "@/components/BlockError";
import { draftOf, useDraft } from "@/habits/drafts";
import { common, useText } from "@/i18n";
import { useMe } from "@/session/session";
import styles from "./act.module.css";
import { workText } from "./messages";
import { useColleagues } from "./names";
import { useSaving } from "./useSaving";

interface Props {
  /** What goes. */
  ids: readonly string[];
  onConfirm: (to: { id: string; name: string }, note?: string) => Promise<boolean>;
  onClose: () => void;
}

/** To whom the work goes: it reaches a colleague's day, so it is confirmed, with how much each has in hand. */
export function HandOver({ ids, onConfirm, onClose }: Props) {
  const t = useText(workText).handOver;
  const shared = useText(common);
  const me = useMe();
  const [to, setTo] = useState<string>();
  const [note, setNote, clearNote] = useDraft(`work/${draftOf(ids)}/hand-over`);
  const query = useColleagues();
  const name = (id: string): string => query.data?.find(each => each.manager_id === id)?.name ?? id;
  const units = [...new Set(query.data?.map(each => each.unit_name ?? each.unit_id ?? "—"))];
  const { isBusy, isFailed, confirm, cancel } = useSaving(
    to ? () => onConfirm({ id: to, name: name(to) }, note.trim() || undefined) : undefined,
    () => {
      clearNote();
      onClose();
    },
    onClose,
  );
  return (
    <Modal
      open
      title={t.title}
      okText={t.confirm(ids.length)}
      okButtonProps={{ disabled: !to }}
      confirmLoading={isBusy}
      onOk={() => void confirm()}
      cancelButtonProps={{ disabled: isBusy }}
      onCancel={cancel}
      width={440}
    >
      <div className={styles.form}>
        {query.error ? (
          <BlockError what={t.colleagues} error={query.error} retry={() => void query.refetch()} />
        ) : (
          <Select
            autoFocus
            aria-label={t.to}
            placeholder={t.placeholder}
            loading={query.isPending}
            showSearch={{ optionFilterProp: "search" }}
            value={to}
            onChange={setTo}
            options={units.map(unit => ({
              label: unit,
              options: (query.data ?? [])
                .filter(each => (each.unit_name ?? each.unit_id ?? "—") === unit)
                .map(each => ({
                  value: each.manager_id,
                  search: `${each.manager_id} ${each.name ?? ""}`,
                  label: `${each.name ?? each.manager_id}${each.manager_id === me.manager_id ? t.own : ""} · ${t.load(each.open_work)}`,
                })),
            }))}
          />
        )}
        <textarea
          className={styles.note}
          rows={2}
          maxLength={1000}
          value={note}
          placeholder={t.note}
          aria-label={t.note}
          onChange={event => setNote(event.target.value)}
        />
        {isFailed && (
          <p className={styles.trouble} role="alert">
            {shared.problem.save}
          </p>
        )}
      </div>
    </Modal>
  );
}
