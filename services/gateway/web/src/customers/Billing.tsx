import { useMemo } from "react";
import { Link } from "react-router";
import { UpToFile } from "@/arrivals/Arrivals";
import { ChartCard } from "@/components/ChartCard";
import { EmptyState } from "@/components/EmptyState";
import { Money } from "@/components/Money";
import { ShortTime } from "@/components/Time";
import { daysUntil, money, percent, shortDate } from "@/format";
import { useNow } from "@/habits/clock";
import { common, useLanguage, useText, word } from "@/i18n";
import { useMode } from "@/theme/ThemeProvider";
import { palettes } from "@/theme/tokens";
import styles from "./customer.module.css";
import { agesOf, billChart, billTable, monthsOf, shareOf } from "./figures";
import { customerText } from "./messages";
import type { Account } from "./useCustomer";

type Fact = Readonly<Record<string, unknown>>;
const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);

export function Bills({ account }: { account: Account }) {
  const t = useText(customerText);
  const language = useLanguage();
  const mode = useMode();
  const months = useMemo(() => monthsOf(account), [account]);
  const options = useMemo(() => billChart(months, t, language, palettes[mode]), [months, t, language, mode]);
  if (months.length === 0) {
    return <EmptyState text={t.noBills} />;
  }
  const gaps = months.filter(month => month.bill === null);
  const gap = gaps.at(-1);
  const table = billTable(months, t, language);
  return (
    <>
      <ChartCard
        title={t.bill}
        options={options}
        table={table}
        height={260}
        note={<UpToFile files={account.files} kinds={["BILL", "USAGE"]} />}
      />
      {gap && (
        <p className="kam-secondary kam-small">
          {t.noBill(String(table.rows.at(months.length - 1 - months.indexOf(gap))?.[0]))}
        </p>
      )}
    </>
  );
}

/** What is owed by its age, one bar; darker is older, and every part has its words and amount. */
export function Ages({ account }: { account: Account }) {
  const t = useText(customerText);
  const language = useLanguage();
  const now = useNow(3_600_000);
  const { ages } = account;
  const parts = ages ? agesOf(ages) : [];
  const owed = parts.reduce((sum, part) => sum + part.fen, 0);
  return (
    <section className={styles.card} aria-label={t.ages}>
      <h2>{t.ages}</h2>
      <UpToFile files={account.files} kinds={["ARR", "BILL"]} />
      {!ages && <p className="kam-secondary">{t.unknownDebt}</p>}
      {ages && owed === 0 && <p className="kam-secondary">{t.noDebt}</p>}
      {ages && owed > 0 && (
        <>
          <svg className={styles.ages} viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            {parts.map((part, at) => (
              <rect
                key={part.name}
                className={styles[part.name]}
                x={parts.slice(0, at).reduce((sum, each) => sum + each.share * 100, 0)}
                width={part.share * 100}
                y={0}
                height={4}
              />
            ))}
          </svg>
          <dl className={styles.ageList}>
            {parts
              .filter(part => part.fen > 0)
              .map(part => (
                <div key={part.name}>
                  <dt>
                    <span className={`${styles.dot} ${styles[part.name]}`} aria-hidden /> {t.age[part.name]}
                  </dt>
                  <dd>
                    <Money fen={part.fen} /> <span className="kam-secondary">{percent(part.share)}</span>
                  </dd>
                </div>
              ))}
          </dl>
          <p className="kam-secondary kam-small">{t.agesHint(shortDate(ages.as_of, now, language))}</p>
        </>
      )}
    </section>
  );
}

export function Payments({ account }: { account: Account }) {
  const t = useText(customerText);
  const rows = account.payments as unknown as Fact[];
  return (
    <section className={styles.card} aria-label={t.payments}>
      <h2>{t.payments}</h2>
      <UpToFile files={account.files} kinds={["PAY"]} />
      {rows.length === 0 && <p className="kam-secondary">{t.noPayments}</p>}
      <ul className={styles.lines}>
        {rows.map(row => (
          <li key={String(row.payment_id)}>
            <ShortTime at={textOf(row.paid_at)} />
            <span className="kam-number">{money(row.amount_fen as number)}</span>
            <span className="kam-secondary">{textOf(row.channel)}</span>
            <Cause id={textOf(row.event_id)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** One bar a contract from its first to its last day, with today and the marks at which an alert comes. */
export function Contracts({ account }: { account: Account }) {
  const t = useText(customerText);
  const language = useLanguage();
  const now = useNow(3_600_000);
  const rows = account.contracts as unknown as Fact[];
  return (
    <section className={styles.card} aria-label={t.contracts}>
      <h2>{t.contracts}</h2>
      <UpToFile files={account.files} kinds={["CONT"]} />
      {rows.length === 0 && <p className="kam-secondary">{t.noContracts}</p>}
      <ul className={styles.contracts}>
        {rows.map(row => {
          const [starts, ends] = [textOf(row.starts_on), textOf(row.ends_on)];
          const share = shareOf(starts, ends, now);
          const days = ends ? daysUntil(ends, now) : null;
          return (
            <li key={String(row.contract_id)}>
              <div className={styles.row}>
                <b>{textOf(row.product_code) ?? String(row.contract_id)}</b>
                <span className="kam-number">{money(row.monthly_fee_fen as number | null)}</span>
                <span className="kam-secondary">{row.auto_renew ? t.autoRenew : t.noRenew}</span>
                <span className={days !== null && days >= 0 && days <= 90 ? styles.owes : ""}>
                  {ends && days !== null && t.ends(shortDate(ends, now, language), days)}
                </span>
                <Cause id={textOf(row.event_id)} />
              </div>
              {share !== null && starts && ends && (
                <svg className={styles.span} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                  <rect className={styles.spanAll} x={0} y={2} width={100} height={2} />
                  <rect className={styles.spanGone} x={0} y={2} width={share * 100} height={2} />
                  {MARKS.map(mark => markOf(starts, ends, mark))
                    .filter(place => place !== null)
                    .map(place => (
                      <rect key={place} className={styles.spanMark} x={place} y={1} width={0.4} height={4} />
                    ))}
                  <rect className={styles.spanToday} x={Math.min(99.2, share * 100)} y={0} width={0.8} height={6} />
                </svg>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

const MARKS = [90, 60, 30, 7, 1];
const DAY = 86_400_000;

function markOf(starts: string, ends: string, days: number): number | null {
  const share = shareOf(starts, ends, Date.parse(ends) - days * DAY);
  return share === null || share <= 0 ? null : share * 100;
}

export function Complaints({ account }: { account: Account }) {
  const t = useText(customerText);
  const shared = useText(common);
  const rows = account.complaints as unknown as Fact[];
  return (
    <section className={styles.card} aria-label={t.complaints}>
      <h2>{t.complaints}</h2>
      <UpToFile files={account.files} kinds={["COMP"]} />
      {rows.length === 0 && <p className="kam-secondary">{t.noComplaints}</p>}
      <ul className={styles.lines}>
        {rows.map(row => (
          <li key={String(row.complaint_id)}>
            <ShortTime at={textOf(row.opened_at)} />
            <span>{word(shared.complaintAbout, textOf(row.category) ?? "")}</span>
            <b>{word(shared.complaintState, String(row.status))}</b>
            <Cause id={textOf(row.event_id)} />
            {textOf(row.text) && <q className={styles.note}>{textOf(row.text)}</q>}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Requests({ account }: { account: Account }) {
  const t = useText(customerText);
  const rows = account.requests as unknown as Fact[];
  return (
    <section className={styles.card} aria-label={t.requests}>
      <h2>{t.requests}</h2>
      <UpToFile files={account.files} kinds={["SERV"]} />
      {rows.length === 0 && <p className="kam-secondary">{t.noRequests}</p>}
      <ul className={styles.lines}>
        {rows.map(row => (
          <li key={String(row.request_id)}>
            <ShortTime at={textOf(row.requested_at)} />
            <b>{word(t.request, String(row.kind))}</b>
            <span>{textOf(row.detail)}</span>
            <Cause id={textOf(row.event_id)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The record of BOSS behind something. */
export function Cause({ id }: { id: string | null }) {
  const t = useText(customerText);
  return id ? (
    <Link className="kam-small" to={`/why/${encodeURIComponent(id)}`}>
      {t.why}
    </Link>
  ) : null;
}
