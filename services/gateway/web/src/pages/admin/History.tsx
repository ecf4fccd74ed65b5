import { SystemTime } from "@/components/Time";
import { useText } from "@/i18n";
import styles from "./admin.module.css";
import { adminText } from "./messages";

interface Version {
  version: number;
  author: string;
  reason: string;
  at: string;
}

/** Who changed it, when and why, newest first. */
export function History({ versions }: { versions: readonly Version[] }) {
  const t = useText(adminText);
  return (
    <section>
      <h3>{t.history}</h3>
      <ol className={styles.history}>
        {versions.map(version => (
          <li key={version.version}>
            {version.version === 0 ? (
              t.asDelivered
            ) : (
              <>
                <span className="kam-secondary">
                  <SystemTime at={version.at} focusable /> · {t.changedBy(version.version, version.author)}
                </span>
                <div>{version.reason}</div>
              </>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
