import { Select } from "antd";
import type { ReactNode } from "react";
import { useSearchParams } from "react-router";
import { Boundary } from "@/components/Boundary";
import { LinkButton } from "@/components/LinkButton";
import { useText } from "@/i18n";
import { useMayEverywhere } from "@/session/rights";
import { useKind } from "./api";
import { Change } from "./Change";
import { Difference } from "./Difference";
import styles from "./documents.module.css";
import { History } from "./History";
import type { KindRow } from "./kinds";
import { documentsText } from "./messages";
import { comparedWith, type Version, type Versions } from "./model";
import { Reading } from "./Reading";

interface Props {
  row: KindRow;
  document: Versions;
  /** Beside its id and state. */
  head?: ReactNode;
}

/** One document, in one piece once all of it is there: what a version says, what another says otherwise, what can be done with it, and its history. */
export function Panel({ row, document: { id, versions }, head }: Props) {
  const about = useKind(row.kind);
  const t = useText(documentsText);
  const mayChange = useMayEverywhere("rules", "change");
  const [query, setQuery] = useSearchParams();
  const numbered = (name: string): Version | undefined =>
    versions.find(each => String(each.version) === query.get(name));
  const version = numbered("version") ?? versions[0];
  const against = numbered("against");
  const before = against && against !== version ? against : comparedWith(versions, version);
  const choose = (name: string, value: number): void => {
    const next = new URLSearchParams(query);
    next.set(name, String(value));
    setQuery(next, { replace: true });
  };
  const options = [...versions]
    .sort((one, other) => other.version - one.version)
    .map(each => ({ value: each.version, label: t.standing(each.version, t.states[each.state]) }));
  const address = `${row.path}/${encodeURIComponent(id)}`;
  const { Reading: Own, Beside } = row;
  return (
    <div className={styles.panel}>
      <p className={styles.head}>
        <code>{id}</code>
        <Select
          size="small"
          aria-label={t.versions}
          value={version.version}
          options={options}
          popupMatchSelectWidth={false}
          onChange={value => choose("version", value)}
        />
        {head}
        {mayChange && (
          <LinkButton size="small" to={`${address}/edit?version=${version.version}`}>
            {t.editFrom(version.version)}
          </LinkButton>
        )}
      </p>
      <Boundary what={t.content} resetKey={`${id} ${version.version}`}>
        {Own ? <Own version={version} /> : <Reading version={version} fields={about.fields} />}
      </Boundary>
      <section aria-label={t.differences}>
        <div className={styles.head}>
          <h3>{before ? t.difference(before.version, version.version) : t.differences}</h3>
          {versions.length > 1 && (
            <Select
              size="small"
              aria-label={t.comparedWith}
              value={before?.version}
              options={options.filter(each => each.value !== version.version)}
              popupMatchSelectWidth={false}
              onChange={value => choose("against", value)}
            />
          )}
        </div>
        {before ? (
          <Boundary what={t.differences} resetKey={`${before.version} ${version.version}`}>
            <Difference kind={row.kind} id={id} before={before.version} after={version.version} />
          </Boundary>
        ) : (
          <p className="kam-secondary">{t.first}</p>
        )}
      </section>
      {Beside && (
        <Boundary what={t.content} resetKey={`${id} ${version.version}`}>
          <Beside version={version} versions={versions} />
        </Boundary>
      )}
      {mayChange && (
        <Change
          key={`${id} ${version.version} ${version.state}`}
          kind={row.kind}
          about={about}
          version={version}
          versions={versions}
          needsTrial={row.needsTrial?.(version)}
        />
      )}
      <History versions={versions} />
      {!mayChange && <p className="kam-small kam-secondary">{t.readOnly}</p>}
    </div>
  );
}
