import { Link } from "react-router";
import { brief } from "@/alerts/sentence";
import { useTelling } from "@/alerts/useTelling";
import { AsOfFigures } from "@/arrivals/Arrivals";
import { EmptyState } from "@/components/EmptyState";
import { Money } from "@/components/Money";
import { Sentence } from "@/components/Sentence";
import { useText } from "@/i18n";
import { fallOf } from "./charts";
import type { Overview } from "./fields";
import { overviewText } from "./messages";
import styles from "./overview.module.css";

/** The customers whose bill fell most, each with the reason, leading to their page. */
export function Changes({ view }: { view: Overview }) {
  const t = useText(overviewText);
  const telling = useTelling();
  return (
    <section className={styles.card} aria-labelledby="changes">
      <h2 id="changes">{t.changes}</h2>
      <AsOfFigures of={view} kinds={["BILL"]} />
      {view.changes.length === 0 ? (
        <EmptyState text={t.noChanges} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <section className={styles.scroll} tabIndex={0} aria-label={t.changes}>
          <table className={styles.table}>
            <thead>
              <tr>
                <th scope="col">{t.column.customer}</th>
                <th scope="col" className={styles.why}>
                  {t.column.why}
                </th>
                <th scope="col">{t.column.mean}</th>
                <th scope="col">{t.column.fall}</th>
                <th scope="col">{t.column.manager}</th>
              </tr>
            </thead>
            <tbody>
              {view.changes.map(row => {
                const fall = fallOf(row.values);
                return (
                  <tr key={row.alert_id}>
                    <th scope="row">
                      <Link to={`/customers/${encodeURIComponent(row.customer_id)}`}>
                        {row.customer_name ?? row.customer_id}
                      </Link>
                    </th>
                    <td className={styles.why}>
                      <Link to={`/alerts/${encodeURIComponent(row.alert_id)}`}>
                        <Sentence parts={brief(row, telling)} />
                      </Link>
                    </td>
                    <td>
                      <Money fen={fall?.mean} />
                    </td>
                    <td className={styles.fall}>
                      {fall && "▼ "}
                      <Money fen={fall?.by} />
                    </td>
                    <td>{row.manager_name ?? row.manager_id ?? "—"}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}
