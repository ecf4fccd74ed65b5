import { Button, Tooltip } from "antd";
import { MicroChart } from "@/components/MicroChart";
import { duration, percent } from "@/format";
import { useBreadth } from "@/habits/element";
import { useLanguage, useText, word } from "@/i18n";
import type { RowsAsked } from "@/rows/address";
import { Count } from "@/rows/Count";
import { teamText } from "./messages";
import styles from "./team.module.css";
import type { Member } from "./units";

interface Props {
  unit: string;
  members: readonly Member[];
  onOpen: (asked: RowsAsked) => void;
}

/** Who works in a unit: a table, and cards on a phone. Every number opens its rows. */
export function Members({ unit, members, onOpen }: Props) {
  const t = useText(teamText);
  const isPhone = useBreadth() === "phone";
  if (isPhone) {
    return (
      <ul className={styles.cards}>
        {members.map(member => (
          <li key={member.manager_id} className={styles.person}>
            <Who member={member} />
            <Load member={member} />
            <dl className={styles.facts}>
              {(["customers", "open", "overdue"] as const).map(name => (
                <div key={name}>
                  <dt className="kam-secondary kam-small">{t.column[name]}</dt>
                  <dd>
                    <Figure member={member} name={name} unit={unit} onOpen={onOpen} />
                  </dd>
                </div>
              ))}
              <div>
                <dt className="kam-secondary kam-small">{t.column.response}</dt>
                <dd>
                  <Response member={member} />
                </dd>
              </div>
              <div>
                <dt className="kam-secondary kam-small">{t.column.kept}</dt>
                <dd>{keptOf(member)}</dd>
              </div>
            </dl>
          </li>
        ))}
      </ul>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section className={styles.scroll} tabIndex={0} aria-label={t.load}>
      <table className={styles.table}>
        <thead>
          <tr>
            {(["manager", "customers", "load", "open", "overdue", "response", "kept", "week"] as const).map(name => (
              <th key={name} scope="col">
                {t.column[name]}
              </th>
            ))}
            <th scope="col">
              <span className="kam-hidden">{t.reassign}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {members.map(member => (
            <tr key={member.manager_id}>
              <th scope="row">
                <Who member={member} />
              </th>
              <td>
                <Figure member={member} name="customers" unit={unit} onOpen={onOpen} />
              </td>
              <td>
                <Load member={member} />
              </td>
              <td>
                <Figure member={member} name="open" unit={unit} onOpen={onOpen} />
              </td>
              <td className={member.overdue > 0 ? styles.over : undefined}>
                <Figure member={member} name="overdue" unit={unit} onOpen={onOpen} />
              </td>
              <td>
                <Response member={member} />
              </td>
              <td className="kam-number">{keptOf(member)}</td>
              <td>
                <MicroChart points={member.week} label={t.week(member.week.join(", "))} />
              </td>
              <td>
                <Tooltip title={t.reassignLater}>
                  <Button size="small" disabled>
                    {t.reassign}
                  </Button>
                </Tooltip>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Who({ member }: { member: Member }) {
  const t = useText(teamText);
  const notes = [
    member.status && member.status !== "active" && word(t.status, member.status),
    !member.home && t.elsewhere,
  ].filter(Boolean);
  return (
    <span>
      {member.name ?? member.manager_id}{" "}
      <span className="kam-secondary kam-small">
        {[member.name && member.manager_id, ...notes].filter(Boolean).join(" · ")}
      </span>
    </span>
  );
}

/** Open work against the unit's mean: a bar that is full at twice the mean, and the share in figures. */
function Load({ member }: { member: Member }) {
  const t = useText(teamText);
  if (member.load === null) {
    return <span className="kam-secondary">{t.nothing}</span>;
  }
  return (
    <span className={styles.load} title={t.ofMean(percent(member.load))}>
      <svg width="64" height="8" viewBox="0 0 64 8" aria-hidden focusable="false">
        <rect width="64" height="8" rx="2" className={styles.ground} />
        <rect
          width={Math.min(64, 32 * member.load)}
          height="8"
          rx="2"
          className={member.load > 1.2 ? styles.heavy : styles.fill}
        />
        <rect x="31.5" width="1" height="8" className={styles.mean} />
      </svg>
      <span className="kam-number">{percent(member.load)}</span>
    </span>
  );
}

function Figure(props: {
  member: Member;
  name: "customers" | "open" | "overdue";
  unit: string;
  onOpen: Props["onOpen"];
}) {
  const { member, name, unit, onOpen } = props;
  const t = useText(teamText);
  const id = member.manager_id;
  const asked: RowsAsked =
    name === "customers"
      ? { list: "customers", filter: { unit, manager: id } }
      : { list: "work", filter: { unit, holder: id, open: "1", ...(name === "overdue" ? { due: "overdue" } : {}) } };
  return (
    <Count label={`${member.name ?? id} ${t.column[name]}`} asked={{ ...asked, count: member[name] }} onOpen={onOpen} />
  );
}

function Response({ member }: { member: Member }) {
  const t = useText(teamText);
  const language = useLanguage();
  const seconds = member.response_seconds;
  return <span className="kam-number">{seconds === null ? t.nothing : duration(seconds * 1000, language)}</span>;
}

function keptOf(member: Member): string {
  return member.retained_of > 0 ? `${member.kept}/${member.retained_of}` : "—";
}
