import { Link } from "react-router";
import { exact, money, period } from "@/format";
import { type Language, useLanguage, useText } from "@/i18n";
import styles from "./chain.module.css";
import { type ChainLink, pageOf } from "./layout";
import { whyText } from "./messages";

/** One fact: where it comes from and all it says, masked as for who looks. */
export function Fact({ link }: { link: ChainLink }) {
  const t = useText(whyText);
  const language = useLanguage();
  const page = pageOf(link);
  const told: [string, string][] = [
    [t.type, link.type],
    [t.at, link.at ? exact(link.at) : "—"],
    [t.service, link.service],
    [t.id, link.id],
  ];
  return (
    <>
      <dl className={styles.fields}>
        {told.map(([name, value]) => (
          <Row key={name} name={name} value={value} />
        ))}
      </dl>
      <h3>{t.fields}</h3>
      <dl className={styles.fields}>
        {Object.entries(link.detail).map(([name, value]) => (
          <Row key={name} name={name} value={shown(name, value, language)} />
        ))}
      </dl>
      {page && <Link to={page}>{t.open}</Link>}
    </>
  );
}

function Row({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}

function shown(name: string, value: unknown, language: Language): string {
  if (value === null || value === undefined) {
    return "—";
  }
  if (name.endsWith("_fen") && typeof value === "number") {
    return money(value);
  }
  if (name === "period" && typeof value === "string") {
    return period(value, language);
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}
