import { Button, Tooltip } from "antd";
import { MicroChart } from "@/components/MicroChart";
import { duration, percent } from "@/format";
import { useBreadth } from "@/habits/element";
import { useLanguage, useText, word } from "@/i18n";
import type { RowsAsked } from "@/rows/address";
import { Count } from "@/rows/Count";
import { teamText } from "./messages";
import styles from "./team.module.css";
import type { Member, TeamRows } from "./units";

interface Props {
  unit: string;
  members: readonly Member[];
  /** Where the rows are of what members closed and took on. */
  of: TeamRows;
  onOpen: (asked: RowsAsked) => void;
}

/** Who works in a unit: a table, and cards on a phone. Every number opens its rows. */
export function Members({ unit, members, of, onOpen }: Props) {
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
                  <Response member={member} of={of} onOpen={onOpen} />
                </dd>
              </div>
              <div>
                <dt className="kam-secondary kam-small">{t.column.kept}</dt>
                <dd>
                  <Kept member={member} of={of} onOpen={onOpen} />
                </dd>
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
                <Response member={member} of={of} onOpen={onOpen} />
              </td>
              <td>
                <Kept member={member} of={of} onOpen={onOpen} />
              </td>
              <td>
                <span className={styles.week}>
                  <MicroChart points={member.week} label={t.week(member.week.join(", "))} />
                  <Count
                    label={labelOf(member, t.column.week)}
                    asked={ofMember(
                      member,
                      of.week,
                      member.week.reduce((sum, count) => sum + count, 0),
                    )}
                    onOpen={onOpen}
                  />
                </span>
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
  return <Count label={labelOf(member, t.column[name])} asked={{ ...asked, count: member[name] }} onOpen={onOpen} />;
}

/** How soon somebody answers; it opens the items of whose first steps it is the median. */
function Response({ member, of, onOpen }: Pick<Props, "of" | "onOpen"> & { member: Member }) {
  const t = useText(teamText);
  const language = useLanguage();
  const seconds = member.response_seconds;
  if (seconds === null) {
    return <span className="kam-secondary">{t.nothing}</span>;
  }
  return (
    <Count
      label={labelOf(member, t.column.response)}
      asked={ofMember(member, of.responses, member.responses)}
      shown={duration(seconds * 1000, language)}
      onOpen={onOpen}
    />
  );
}

/** Of the retention items that somebody closed this month, how many customers stayed. */
function Kept({ member, of, onOpen }: Pick<Props, "of" | "onOpen"> & { member: Member }) {
  const t = useText(teamText);
  if (member.retained_of === 0) {
    return <span className="kam-secondary">{t.nothing}</span>;
  }
  return (
    <span className={styles.kept}>
      <Count label={labelOf(member, t.column.kept)} asked={ofMember(member, of.kept, member.kept)} onOpen={onOpen} />
      /
      <Count
        label={labelOf(member, t.retainedOf)}
        asked={ofMember(member, of.retained_of, member.retained_of)}
        onOpen={onOpen}
      />
    </span>
  );
}

function ofMember(member: Member, rows: TeamRows["kept"], count: number): RowsAsked & { count: number } {
  return { list: rows.list, filter: { ...rows.filter, holder: member.manager_id }, count };
}

function labelOf(member: Member, name: string): string {
  return `${member.name ?? member.manager_id} ${name}`;
}
