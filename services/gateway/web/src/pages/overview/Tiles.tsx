import { money, number, percent } from "@/format";
import { useText } from "@/i18n";
import type { RowsAsked } from "@/rows/address";
import { Count } from "@/rows/Count";
import { change, type Figure, type Overview, shareOf } from "./fields";
import { overviewText } from "./messages";
import styles from "./overview.module.css";

/** The five numbers above the charts; each opens its rows. */
export function Tiles({
  view,
  compare,
  onOpen,
}: {
  view: Overview;
  compare: string;
  onOpen: (asked: RowsAsked) => void;
}) {
  const t = useText(overviewText);
  const against = compare === "yoy" ? t.yoy : t.mom;
  const told = (now: number, before: number | null | undefined): string | undefined => {
    const found = change(now, before);
    return found && `${against} ${found}`;
  };
  const { alerts, handled, delivered, recovered } = view;
  const step = (name: string) => view.churn.find(each => each.step === name);
  const [raised, kept, claimed] = [step("raised"), step("kept"), step("claimed")];
  const shares = [
    { label: t.tile.handled, part: handled.part, whole: handled.whole },
    ...(kept && raised ? [{ label: t.tile.kept, part: kept, whole: raised }] : []),
  ];
  return (
    <div className={styles.tiles}>
      <div className={`${styles.box} ${styles.tile}`}>
        <span className="kam-secondary">{t.tile.alerts}</span>
        <Count className={styles.figure} label={t.tile.alerts} asked={alerts} onOpen={onOpen} />
        <span className="kam-small">{told(alerts.count, alerts.before)}</span>
      </div>
      {shares.map(({ label, part, whole }) => (
        <div key={label} className={`${styles.box} ${styles.tile}`}>
          <span className="kam-secondary">{label}</span>
          <Count
            className={styles.figure}
            label={label}
            asked={part}
            shown={percent(shareOf(part.count, whole.count))}
            onOpen={onOpen}
          />
          <span className="kam-small">
            <Parts label={label} part={part} whole={whole} onOpen={onOpen} />
            {part === kept && claimed && claimed.count > 0 && (
              <>
                {" · "}
                {t.claimed} <Count label={t.claimed} asked={claimed} onOpen={onOpen} />
              </>
            )}
          </span>
        </div>
      ))}
      <div className={`${styles.box} ${styles.tile}`}>
        <span className="kam-secondary">{t.tile.recovered}</span>
        <Count
          className={styles.figure}
          label={t.tile.recovered}
          asked={recovered}
          shown={money(recovered.amount_fen)}
          onOpen={onOpen}
        />
        <span className="kam-small">{told(recovered.amount_fen, recovered.amount_before_fen)}</span>
      </div>
      <div className={`${styles.box} ${styles.tile}`}>
        <span className="kam-secondary">{t.tile.delivered}</span>
        <Count
          className={styles.figure}
          label={t.tile.delivered}
          asked={delivered.part}
          shown={percent(shareOf(delivered.part.count, delivered.whole.count))}
          onOpen={onOpen}
        />
        <span className="kam-small">
          <Parts label={t.tile.delivered} part={delivered.part} whole={delivered.whole} onOpen={onOpen} />
        </span>
      </div>
    </div>
  );
}

/** `12 / 37`, the whole opening its rows; those of the part open from the share above. */
function Parts(props: { label: string; part: Figure; whole: Figure; onOpen: (asked: RowsAsked) => void }) {
  const { label, part, whole, onOpen } = props;
  const t = useText(overviewText);
  return (
    <>
      {number(part.count)} / <Count label={t.whole(label)} asked={whole} onOpen={onOpen} />
    </>
  );
}
