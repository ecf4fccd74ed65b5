import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Progress } from "antd";
import { BlockError } from "@/components/BlockError";
import styles from "@/documents/documents.module.css";
import { useText } from "@/i18n";
import { cancel, percentOf, type Trial } from "./api";
import { trialText } from "./messages";

/** A trial on its way: how far it is, and calling it off. */
export function Running({ trial }: { trial: Trial }) {
  const t = useText(trialText);
  const client = useQueryClient();
  const off = useMutation({
    mutationFn: () => cancel(trial.trial_id),
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["trials", trial.rule] }),
        client.invalidateQueries({ queryKey: ["trial", trial.trial_id] }),
      ]),
  });
  const percent = percentOf(trial);
  return (
    <div className={styles.steps}>
      <Progress
        className={styles.progress}
        percent={percent}
        aria-label={t.progress(percent)}
        status={trial.state === "running" ? "active" : "normal"}
      />
      <span>
        {t.states[trial.state]} · {t.mayLeave}
      </span>
      <Button disabled={off.isPending} onClick={() => off.mutate()}>
        {t.cancel}
      </Button>
      {off.error && <BlockError what={t.what} error={off.error} />}
    </div>
  );
}
