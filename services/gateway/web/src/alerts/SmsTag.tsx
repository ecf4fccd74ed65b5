import { useQuery } from "@tanstack/react-query";
import { StateTag } from "@/components/StateTag";
import { SystemTime } from "@/components/Time";
import { useText, word } from "@/i18n";
import { stopsText } from "@/stops/messages";
import { standingStops, stopOf } from "@/stops/standing";
import { useNameOf } from "@/work/names";
import { panelText } from "./messages";
import { smsStateOf } from "./row";

interface Props {
  state: string;
  reason?: string | null;
  /** What of it can be stopped, as `template/reminder`, where one wants to know who stopped it. */
  about?: readonly string[];
}

/** State of an SMS, why it is so, and of one that waits who has stopped it. */
export function SmsTag({ state, reason, about }: Props) {
  const t = useText(panelText);
  const shown = smsStateOf(state, reason);
  const isStopped = shown === "stopped";
  return (
    <>
      <StateTag of="sms" state={shown} />
      {reason && !isStopped && <span className="kam-secondary"> {word(t.smsReason, reason)}</span>}
      {about && (state === "held" || state === "queued") && <StoppedBy about={about} isStopped={isStopped} />}
    </>
  );
}

function StoppedBy({ about, isStopped }: { about: readonly string[]; isStopped: boolean }) {
  const t = useText(stopsText);
  const nameOf = useNameOf();
  const { data = [] } = useQuery(standingStops);
  const stop = stopOf(data, about, isStopped);
  return stop ? (
    <span>
      {" "}
      {t.said(nameOf(stop.by), stop.why)}{" "}
      <span className="kam-secondary">
        <SystemTime at={stop.at} focusable />
      </span>
    </span>
  ) : null;
}
