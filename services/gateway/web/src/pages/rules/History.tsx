import { SystemTime } from "@/components/Time";
import { useText } from "@/i18n";
import { rulesText } from "./messages";
import styles from "./rules.module.css";
import type { Rule, Switch } from "./ruleText";

/** Who wrote each version, when and why, newest first; and what was done with it. */
export function History({ versions }: { versions: readonly Rule[] }) {
  const t = useText(rulesText);
  const newest = [...versions].sort((one, other) => other.version - one.version);
  return (
    <section aria-label={t.history}>
      <h3>{t.history}</h3>
      <ol className={styles.history}>
        {newest.map(rule => (
          <li key={rule.version}>
            <b>{t.standing(rule.version, t.states[rule.state])}</b>{" "}
            <span className="kam-secondary">
              <SystemTime at={rule.created_at} focusable /> · {rule.author}
            </span>
            <div>{rule.why}</div>
            {rule.switches.map(step => (
              <Done key={`${step.number} ${step.on}`} step={step} />
            ))}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Done({ step }: { step: Switch }) {
  const t = useText(rulesText);
  if (step.number === 0) {
    return null; // as delivered: the version says so itself
  }
  return (
    <div className="kam-secondary">
      {t.switches[step.state]}
      {step.number === null ? ` ${t.from(step.on ?? "")}` : " "}
      {step.number !== null && <SystemTime at={step.at} focusable />} · {step.by}：{step.why}
    </div>
  );
}
