import { Button } from "antd";
import { useNavigate } from "react-router";
import { actable } from "@/alerts/row";
import type { Schema } from "@/api/client";
import { useBreadth } from "@/habits/element";
import { common, useText } from "@/i18n";
import { ActPopover } from "@/work/ActPopover";
import type { AlertRow } from "./fields";

interface Props {
  alert: Schema<"AlertView">;
  /** The alert's row, where the list has it: it is ahead of what was read of the alert. */
  row: AlertRow | undefined;
  mayAct: boolean;
  isActing: boolean;
  onActing: (open: boolean) => void;
  onActed: () => void;
  onAcknowledge: () => void;
  onHandOver: () => void;
}

/** What can be done with the alert that is open. */
export function Actions({ alert, row, mayAct, isActing, onActing, onActed, onAcknowledge, onHandOver }: Props) {
  const t = useText(common).action;
  const navigate = useNavigate();
  // On a phone there is room for three; the history leads there too.
  const isPhone = useBreadth() === "phone";
  const state = row?.state ?? alert.state;
  const isOver = state === "resolved" || state === "expired" || !alert.work_id;
  return (
    <>
      {mayAct && !isOver && (
        <>
          {state === "raised" && (
            <Button onClick={onAcknowledge}>
              {t.acknowledge} <kbd>a</kbd>
            </Button>
          )}
          <ActPopover item={actable(row ?? alert)} open={isActing} onOpenChange={onActing} onDone={onActed}>
            <Button type="primary">
              {t.act} <kbd>e</kbd>
            </Button>
          </ActPopover>
          <Button onClick={onHandOver}>
            {t.handOver} <kbd>t</kbd>
          </Button>
        </>
      )}
      {!isPhone && (
        <Button type="text" onClick={() => void navigate(`/why/${encodeURIComponent(alert.alert_id)}`)}>
          {t.why} <kbd>w</kbd>
        </Button>
      )}
    </>
  );
}
