import { MutedOutlined } from "@ant-design/icons";
import { ShortTime } from "@/components/Time";
import { common, useText, word } from "@/i18n";
import styles from "./act.module.css";
import { type Contacts, useContacts } from "./contacts";
import { workText } from "./messages";

/**
 * Beside every button that leads to a customer: do-not-disturb, open complaints, SMS of today, the last contact. Its room
 * is kept from the beginning; `brief`: that of a card's foot, whatever it says. `wish`: do-not-disturb as the row has it,
 * said until the line is read.
 */
export function ContactLine(props: { customerId: string; brief?: boolean; wish?: boolean | null }) {
  const { customerId, brief, wish } = props;
  const t = useText(workText).contact;
  const shared = useText(common);
  const { data, isPending, error, refetch } = useContacts(customerId);
  const style = brief ? styles.brief : styles.contact;
  if (data) {
    return (
      <div className={style} role="note" aria-label={t.what}>
        <ContactFacts contacts={data} brief={brief} />
      </div>
    );
  }
  return (
    <div className={style} aria-busy={isPending}>
      {wish && <DoNotDisturb />}
      {error ? (
        <>
          <b className={styles.warning}>{t.unread}</b>
          <button type="button" className={styles.again} onClick={() => void refetch()}>
            {shared.action.retry}
          </button>
        </>
      ) : (
        !isPending && t.unknown
      )}
    </div>
  );
}

function DoNotDisturb() {
  const t = useText(workText).contact;
  return (
    <b className={styles.warning}>
      <MutedOutlined aria-hidden /> {t.doNotDisturb}
    </b>
  );
}

/** The facts of the line, where they came with something else. */
export function ContactFacts({ contacts, brief }: { contacts: Contacts; brief?: boolean }) {
  const words = useText(workText);
  const shared = useText(common);
  const t = words.contact;
  const { last, last_sms: sms, do_not_disturb: wish, open_complaints: complaints } = contacts;
  return (
    <>
      {wish ? <DoNotDisturb /> : <span>{wish === false ? t.mayContact : t.unknownWish}</span>}
      {complaints > 0 ? <b className={styles.warning}>{t.complaints(complaints)}</b> : <span>{t.noComplaint}</span>}
      <span className={contacts.sms_today >= contacts.sms_limit ? styles.warning : ""}>
        {t.smsToday(contacts.sms_today, contacts.sms_limit)}
      </span>
      <span className={styles.last}>
        {last ? (
          <>
            {t.last} <ShortTime at={last.at} focusable={!brief} />{" "}
            {[
              last.by_name ?? last.by,
              last.kind && word(words.act, last.kind),
              last.result && word(words.results, last.result),
            ]
              .filter(Boolean)
              .join(" · ")}
          </>
        ) : (
          t.never
        )}
      </span>
      {sms && !brief && (
        <span>
          {t.lastSms} <ShortTime at={sms.at} /> {word(shared.smsState, sms.state)}
        </span>
      )}
    </>
  );
}
