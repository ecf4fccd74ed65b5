import { MutedOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { answer, api } from "@/api/client";
import { ShortTime } from "@/components/Time";
import { common, useText, word } from "@/i18n";
import styles from "./act.module.css";
import { workText } from "./messages";

export function useContacts(customerId: string) {
  return useQuery({
    queryKey: ["contacts", customerId],
    queryFn: ({ signal }) =>
      answer(api.GET("/v1/contacts/{customer_id}", { params: { path: { customer_id: customerId } }, signal })),
  });
}

/** Beside every button that leads to a customer: do-not-disturb, open complaints, SMS of today, the last contact. */
export function ContactLine({ customerId }: { customerId: string }) {
  const t = useText(workText).contact;
  const words = useText(workText);
  const shared = useText(common);
  const { data } = useContacts(customerId);
  if (!data) {
    return <div className={styles.contact} aria-busy="true" />;
  }
  const { last, last_sms: sms, do_not_disturb: wish } = data;
  return (
    <div className={styles.contact} role="note" aria-label={t.what}>
      {wish ? (
        <b className={styles.warning}>
          <MutedOutlined aria-hidden /> {t.doNotDisturb}
        </b>
      ) : (
        <span>{wish === false ? t.mayContact : t.unknownWish}</span>
      )}
      {data.open_complaints > 0 && <b className={styles.warning}>{t.complaints(data.open_complaints)}</b>}
      <span className={data.sms_today >= data.sms_limit ? styles.warning : ""}>
        {t.smsToday(data.sms_today, data.sms_limit)}
      </span>
      <span>
        {last ? (
          <>
            {t.last} <ShortTime at={last.at} />{" "}
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
      {sms && (
        <span>
          {t.lastSms} <ShortTime at={sms.at} /> {word(shared.smsState, sms.state)}
        </span>
      )}
    </div>
  );
}
