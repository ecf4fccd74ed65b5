import type { Schema } from "@/api/client";
import { AsOf } from "@/components/Freshness";
import { useText, word } from "@/i18n";
import { cityName } from "@/places/cityName";
import styles from "./arrivals.module.css";
import { arrivalsText } from "./messages";

/** Cities named before the others are counted only. */
const NAMED = 2;

/** Up to which file a block is that comes of nightly files, and which of them has not come. Keeps its line while it is
 * empty: of what comes live alone there are none. */
export function UpToFile({ files, kinds }: { files: readonly Schema<"CityFiles">[] | null; kinds: readonly string[] }) {
  const t = useText(arrivalsText);
  return (
    <p className={styles.note}>
      {files === null && <span>{t.away}</span>}
      {(files ?? [])
        .filter(({ kind }) => kinds.includes(kind))
        .map(({ kind, business_date: day, expected }) => (
          <span key={kind} className={day < expected ? styles.late : undefined}>
            {t.upTo(word(t.kind, kind), day.slice(5))}
            {day < expected && ` · ${t.late(expected.slice(5))}`}
          </span>
        ))}
    </p>
  );
}

interface Figures {
  as_of: string | null;
  seconds_behind: number | null;
  missing: readonly Schema<"MissingFile">[] | null;
}

/** Of which moment figures are, and whose files are missing in them. */
export function AsOfFigures({ of, kinds }: { of: Figures; kinds: readonly string[] }) {
  const t = useText(arrivalsText);
  const told = kinds.flatMap(kind => {
    const cities = (of.missing ?? []).filter(file => file.kind === kind).map(({ city }) => cityName(city));
    const named = cities.slice(0, NAMED).join(t.comma);
    const text = cities.length > NAMED ? t.andMore(named, cities.length) : named;
    return cities.length > 0 ? [t.missing(word(t.kind, kind), text)] : [];
  });
  return (
    <p className={styles.note}>
      <AsOf at={of.as_of} secondsBehind={of.seconds_behind ?? 0} />
      {told.map(text => (
        <span key={text} className={styles.late}>
          {text}
        </span>
      ))}
    </p>
  );
}
