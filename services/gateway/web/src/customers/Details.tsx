import { QueryBlock } from "@/components/QueryBlock";
import { Skeletons } from "@/components/Skeletons";
import { ShortTime } from "@/components/Time";
import { money } from "@/format";
import { common, useText, word } from "@/i18n";
import { cityName } from "@/places/cityName";
import { Cause } from "./Billing";
import styles from "./customer.module.css";
import { Reveal, type Revealed } from "./Head";
import { customerText } from "./messages";
import { useHistory, type View } from "./useCustomer";

/** Bookkeeping of the archive: nothing that says something of the customer. */
const INNER = new Set(["since", "revision", "updated_at"]);

function useShown(): (field: string, value: unknown) => string {
  const t = useText(customerText);
  const shared = useText(common);
  return (field, value) => {
    if (value === null || value === undefined || value === "") {
      return "—";
    }
    if (typeof value === "boolean") {
      return value ? t.yes : t.no;
    }
    if (field.endsWith("_fen") && typeof value === "number") {
      return money(value);
    }
    if (field === "city") {
      return cityName(String(value));
    }
    const words = { kind: t.kind, status: shared.customerStatus, area: t.area, role: t.role }[field];
    return words ? word(words, String(value)) : String(value);
  };
}

/** All fields of the record, masked but for what is revealed for the moment. */
export function Profile({
  view,
  revealed,
  onReveal,
}: {
  view: View;
  revealed: Revealed;
  onReveal: (f: string, v: string, s: number) => void;
}) {
  const t = useText(customerText);
  const shown = useShown();
  const fields = Object.entries(view.profile ?? {}).filter(([name]) => !INNER.has(name));
  return (
    <section className={styles.card} aria-label={t.profile}>
      <h2>{t.profile}</h2>
      <dl className={styles.fields}>
        {fields.map(([name, value]) => (
          <div key={name}>
            <dt>{word(t.fields, name)}</dt>
            <dd>
              {revealed[name] ?? shown(name, value)}
              {view.reveals.includes(name) && value !== null && value !== "" && !revealed[name] && (
                <Reveal id={view.customer.customer_id} field={name} onReveal={onReveal} />
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Which field changed when, from what to what, and the record that says so. */
export function Changes({ id }: { id: string }) {
  const t = useText(customerText);
  const shown = useShown();
  const query = useHistory(id);
  return (
    <section className={styles.card} aria-label={t.history}>
      <h2>{t.history}</h2>
      <QueryBlock
        query={query}
        what={t.history}
        skeleton={<Skeletons n={6} />}
        empty={found => (found.changes.length === 0 ? <p className="kam-secondary">{t.noHistory}</p> : null)}
      >
        {({ changes }) => (
          <ul className={styles.lines}>
            {changes.map(change => (
              <li key={`${change.revision} ${change.field}`}>
                <ShortTime at={change.at} />
                <b>{word(t.fields, change.field)}</b>
                <span>
                  {shown(change.field, change.old)} → {shown(change.field, change.new)}
                </span>
                <Cause id={change.event_id} />
              </li>
            ))}
          </ul>
        )}
      </QueryBlock>
    </section>
  );
}
