import { SystemTime } from "@/components/Time";
import { useText } from "@/i18n";
import styles from "./documents.module.css";
import { documentsText } from "./messages";
import type { Step, Version } from "./model";

/** As whom and why the services write what they are delivered with. */
const [HOUSE, DELIVERED] = ["kam", "随产品交付 / as delivered"];

/** Who wrote each version, when and why, newest first; and what was done with it. */
export function History({ versions }: { versions: readonly Version[] }) {
  const t = useText(documentsText);
  const newest = [...versions].sort((one, other) => other.version - one.version);
  return (
    <section aria-label={t.history}>
      <h3>{t.history}</h3>
      <ol className={styles.history}>
        {newest.map(version => (
          <li key={version.version}>
            <b>{t.standing(version.version, t.states[version.state])}</b>{" "}
            <span className="kam-secondary">
              <SystemTime at={version.created_at} focusable />
              {version.author !== HOUSE && ` · ${version.author}`}
            </span>
            <div>{version.why === DELIVERED ? t.delivered : version.why}</div>
            {version.switches.map(step => (
              <Done key={`${step.number} ${step.on} ${step.at}`} step={step} />
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Done({ step }: { step: Step }) {
  const t = useText(documentsText);
  if (step.number === 0) {
    return null; // as delivered: the version says so itself
  }
  return (
    <div className="kam-secondary">
      {t.switches[step.state]}
      {step.number === null ? ` ${t.from(step.on ?? "")} ` : " "}
      {step.at !== null && <SystemTime at={step.at} focusable />} · {step.by}：{step.why}
    </div>
  );
}
