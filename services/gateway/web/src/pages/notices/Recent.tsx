import { SystemTime } from "@/components/Time";
import { useLanguage, useText, word } from "@/i18n";
import type { Notice } from "./choices";
import { noticesText } from "./messages";
import styles from "./notices.module.css";

/** What was sent last, and how it fared: where something was refused, why. */
export function Recent({ recent }: { recent: readonly Notice[] }) {
  const t = useText(noticesText);
  return (
    <section aria-label={t.recent}>
      <h2>{t.recent}</h2>
      {recent.length === 0 ? (
        <p className="kam-secondary">{t.none}</p>
      ) : (
        <ul className={styles.recent}>
          {recent.map(notice => (
            <li key={notice.id}>
              <strong>{word(t.kind, notice.kind)}</strong>
              {notice.alerts > 0 && <span>{t.alerts(notice.alerts)}</span>}
              <SystemTime at={notice.at} focusable />
              {notice.deliveries.map(delivery => (
                <Delivery key={delivery.channel} delivery={delivery} />
              ))}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Delivery({ delivery }: { delivery: Notice["deliveries"][number] }) {
  const t = useText(noticesText);
  const language = useLanguage();
  const { channel, state, reason, next_at } = delivery;
  return (
    <div className={`${styles.delivery} kam-small`}>
      {word(t.channel, channel)} · {word(t.state, state)}
      {reason && ` · ${reason[language]}`}
      {state === "waiting" && next_at && (
        <>
          {" · "}
          {t.again} <SystemTime at={next_at} />
        </>
      )}
    </div>
  );
}
