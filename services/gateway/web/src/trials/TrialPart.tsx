import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Button, Select } from "antd";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { requestKeys } from "@/api/requestKey";
import { BlockError } from "@/components/BlockError";
import { SystemTime } from "@/components/Time";
import { keyOf } from "@/documents/api";
import styles from "@/documents/documents.module.css";
import type { Tried, Version } from "@/documents/model";
import { dayOf, number, period } from "@/format";
import { businessNow } from "@/habits/clock";
import { useShortcuts } from "@/habits/shortcuts";
import { common, useLanguage, useText } from "@/i18n";
import { monthsBack, start, type Trial, useTrials } from "./api";
import { trialText } from "./messages";
import { Running } from "./Running";

const MONTHS = 24;

/** Trying a version: how it went last, and once more for the months that one chooses. */
export function TrialPart({ version }: { version: Version }) {
  const t = useText(trialText);
  const shared = useText(common);
  const language = useLanguage();
  const client = useQueryClient();
  const [keys] = useState(requestKeys);
  const [from, setFrom] = useState<string>();
  const [to, setTo] = useState<string>();
  const trials = useTrials(version.id, version.version);
  const tried = version.tried as unknown as Tried | null;
  const begun = useMutation({
    mutationFn: async () => {
      const key = keys.of(version.id, version.version, from, to);
      const trial = await start(version.id, version.version, from, to, key);
      keys.done(key);
      return trial;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["trials", version.id, version.version] }),
  });
  const running = trials.find(each => each.state === "waiting" || each.state === "running");
  // Once it is done the version says so itself, and may be activated.
  const wasRunning = useRef(false);
  useEffect(() => {
    if (wasRunning.current && !running) {
      void client.invalidateQueries({ queryKey: keyOf("rules") });
    }
    wasRunning.current = running !== undefined;
  }, [running, client]);
  const go = (): void => {
    if (!running && !begun.isPending) {
      begun.mutate();
    }
  };
  useShortcuts([{ keys: "Mod+Enter", label: t.title, group: shared.shortcuts.item, inInputs: true, run: go }]);
  const months = monthsBack(dayOf(businessNow()), MONTHS);
  const options = months.map(value => ({ value, label: period(value, language) }));
  return (
    <section aria-label={t.title} className={styles.change}>
      <h3>{t.title}</h3>
      <p className="kam-secondary">{t.intro}</p>
      {tried && (
        <p>
          {t.of(period(tried.from, language), period(tried.to, language))}{" "}
          {t.gist(number(tried.alerts), number(tried.added), number(tried.gone))} · {t.against(tried.against)} ·{" "}
          <Link to={addressOf(version.id, tried.trial_id)}>{t.open}</Link>
        </p>
      )}
      {!tried && !running && <p>{t.none}</p>}
      {running ? (
        <Running trial={running} />
      ) : (
        <div className={styles.steps}>
          <Select
            aria-label={t.from}
            placeholder={`${t.from}: ${t.usual}`}
            allowClear
            value={from}
            options={options.filter(each => !to || each.value <= to)}
            popupMatchSelectWidth={false}
            onChange={setFrom}
          />
          <Select
            aria-label={t.to}
            placeholder={t.to}
            allowClear
            value={to}
            options={options.filter(each => !from || each.value >= from)}
            popupMatchSelectWidth={false}
            onChange={setTo}
          />
          <Button type={tried ? "default" : "primary"} loading={begun.isPending} onClick={go}>
            {t.start(version.version)} <kbd>Ctrl ⏎</kbd>
          </Button>
        </div>
      )}
      {begun.error && <BlockError what={t.what} error={begun.error} />}
      <Earlier trials={trials.filter(each => each !== running && each.trial_id !== tried?.trial_id)} />
    </section>
  );
}

export const addressOf = (rule: string, trial: string): string =>
  `/rules/${encodeURIComponent(rule)}/trials/${encodeURIComponent(trial)}`;

function Earlier({ trials }: { trials: readonly Trial[] }) {
  const t = useText(trialText);
  const language = useLanguage();
  return trials.length === 0 ? null : (
    <details>
      <summary>
        {t.earlier} ({trials.length})
      </summary>
      <ul className={styles.differences}>
        {trials.map(trial => (
          <li key={trial.trial_id}>
            <SystemTime at={trial.at} focusable /> · {trial.by} ·{" "}
            {trial.state === "done" ? (
              <Link to={addressOf(trial.rule, trial.trial_id)}>{t.open}</Link>
            ) : (
              <>
                {t.states[trial.state]} {trial[language]}
              </>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
