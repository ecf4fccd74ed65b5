import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { createContext, useContext, useMemo, useState } from "react";
import {
  type ChevronProps,
  DayButton,
  type DayButtonProps,
  DayPicker,
  type DropdownProps,
  type Labels,
} from "react-day-picker";
import { zhCN } from "react-day-picker/locale/zh-CN";
import { type Language, useLanguage, useText } from "@/i18n";
import styles from "./calendar.module.css";
import { type Lunar, lunarCell, lunarOf, lunarText } from "./lunar";
import { datesText } from "./messages";
import { asDate, asDay, bounded } from "./typed";
import { type Holiday, type Holidays, useHolidays } from "./useHolidays";

interface Props {
  /** `yyyy-mm-dd`, or empty. */
  value: string;
  /** `yyyy-mm-dd`, by the clock that the days are of. */
  today: string;
  onChoose: (day: string) => void;
  min?: string;
  max?: string;
}

/** Years that may be reached from today, where nothing bounds them. */
const YEARS_BACK = 10;
const YEARS_ON = 5;

/** A month of days, weeks from Monday, with what is known of them: holidays, and the lunar date. */
export default function Calendar({ value, today, onChoose, min, max }: Props) {
  const t = useText(datesText);
  const language = useLanguage();
  const [month, setMonth] = useState(() => asDate(value || bounded(today, min, max)));
  const [looked, setLooked] = useState<string>();
  const { holidays, isError } = useHolidays(month.getFullYear());
  const labels = useMemo(() => labelsOf(holidays, language, t), [holidays, language, t]);
  const year = Number(today.slice(0, 4));
  const shown = looked ?? (value.slice(0, 7) === asDay(month).slice(0, 7) ? value : undefined);
  return (
    <Known value={{ holidays, language, t }}>
      <DayPicker
        mode="single"
        required
        autoFocus
        fixedWeeks
        weekStartsOn={1}
        captionLayout="dropdown"
        navLayout="around"
        locale={language === "zh" ? zhCN : undefined}
        today={asDate(today)}
        selected={value ? asDate(value) : undefined}
        onSelect={date => onChoose(asDay(date))}
        month={month}
        onMonthChange={next => {
          setMonth(next);
          setLooked(undefined);
        }}
        onDayFocus={date => setLooked(asDay(date))}
        onDayMouseEnter={date => setLooked(asDay(date))}
        startMonth={min ? asDate(min) : new Date(year - YEARS_BACK, 0)}
        endMonth={max ? asDate(max) : new Date(year + YEARS_ON, 11)}
        disabled={[...(min ? [{ before: asDate(min) }] : []), ...(max ? [{ after: asDate(max) }] : [])]}
        labels={labels}
        components={PARTS}
        classNames={CLASSES}
      />
      <div className={styles.foot}>
        <button
          type="button"
          className={styles.today}
          disabled={today !== bounded(today, min, max)}
          onClick={() => onChoose(today)}
        >
          {t.today}
        </button>
        <div className={styles.about}>
          {/* What a day's tooltip says, for those who have no pointer; the days say it themselves to who listens. */}
          <p aria-hidden>{shown && about(shown, holidays, language, t)}</p>
          {(isError || holidays?.announced === false) && (
            <p role="status" className="kam-secondary">
              {isError ? t.notLoaded : t.notAnnounced}
            </p>
          )}
        </div>
      </div>
    </Known>
  );
}

type Text = typeof datesText.zh;

/** What cells know; they are parts of their own, made once. */
const Known = createContext<{ holidays: Holidays | undefined; language: Language; t: Text }>({
  holidays: undefined,
  language: "zh",
  t: datesText.zh,
});

function Cell(props: DayButtonProps) {
  const { holidays, language, t } = useContext(Known);
  const day = props.day.isoDate;
  const holiday = holidays?.days.get(day);
  const lunar = language === "zh" ? lunarOf(day) : undefined;
  return (
    <DayButton {...props} title={about(day, holidays, language, t) || undefined}>
      {props.day.date.getDate()}
      {holiday && (
        <span className={styles.mark} data-kind={holiday.kind}>
          {t[holiday.kind]}
        </span>
      )}
      {lunar && <span className={styles.lunar}>{lunarCell(lunar)}</span>}
    </DayButton>
  );
}

function Choice({ options, ...select }: DropdownProps) {
  return (
    <select {...select} className={styles.choice}>
      {options?.map(({ value, label, disabled }) => (
        <option key={value} value={value} disabled={disabled}>
          {label}
        </option>
      ))}
    </select>
  );
}

function Arrow({ orientation }: ChevronProps) {
  return orientation === "left" ? <LeftOutlined aria-hidden /> : <RightOutlined aria-hidden />;
}

const PARTS = { DayButton: Cell, Dropdown: Choice, Chevron: Arrow };
const CLASSES = {
  month: styles.month,
  month_caption: styles.caption,
  dropdowns: styles.choices,
  button_previous: styles.previous,
  button_next: styles.next,
  month_grid: styles.grid,
  weekday: styles.weekday,
  day: styles.cell,
  day_button: styles.day,
  today: styles.isToday,
  selected: styles.selected,
};

/** Name and kind of a holiday. */
function named(holiday: Holiday, language: Language, t: Text): string {
  const name = language === "zh" ? holiday.name_zh : holiday.name_en;
  return holiday.kind === "holiday" ? t.holidayOf(name) : t.workdayOf(name);
}

/** `春节，休 · 农历正月初一`. */
function about(day: string, holidays: Holidays | undefined, language: Language, t: Text): string {
  const holiday = holidays?.days.get(day);
  const lunar: Lunar | undefined = lunarOf(day);
  return [holiday && named(holiday, language, t), lunar && lunarText(lunar, language)].filter(Boolean).join(" · ");
}

function labelsOf(holidays: Holidays | undefined, language: Language, t: Text): Partial<Labels> {
  return {
    labelDayButton: (date, { today, selected }, _, dates) =>
      [dates?.format(date, "PPPP"), today && t.today, selected && t.chosen, about(asDay(date), holidays, language, t)]
        .filter(Boolean)
        .join(language === "zh" ? "，" : ", "),
  };
}
