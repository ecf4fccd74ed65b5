import { Link, useSearchParams } from "react-router";
import { EmptyState } from "@/components/EmptyState";
import { Page } from "@/components/Page";
import styles from "@/customers/customer.module.css";
import { customerText } from "@/customers/messages";
import { Screen } from "@/customers/Screen";
import { useText } from "@/i18n";

/** What the call centre opens beside a call: the customer by id, never a number in an address. */
export default function Pop() {
  const t = useText(customerText);
  const [query] = useSearchParams();
  const [id, call] = [query.get("customer") ?? "", query.get("call") ?? ""];
  if (!id) {
    return (
      <Page title={t.pop}>
        <EmptyState text={t.popNone} />
      </Page>
    );
  }
  return (
    <Screen
      key={id}
      id={id}
      banner={
        <div className={styles.call}>
          <b>{call ? t.call(call) : t.pop}</b>
          <Link to={`/customers/${encodeURIComponent(id)}`}>{t.open360}</Link>
        </div>
      }
    />
  );
}
