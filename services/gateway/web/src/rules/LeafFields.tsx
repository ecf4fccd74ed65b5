import { InputNumber, Select } from "antd";
import { Field, usePlace } from "@/documents/edit";
import { joined } from "@/documents/paths";
import { type Language, useLanguage, useText } from "@/i18n";
import { compared, comparisonName, comparisonOf, comparisonsOf, type Figure, type Leaf, ofFigure } from "./condition";
import styles from "./condition.module.css";
import { conditionText } from "./messages";

interface Props {
  path: string;
  figures: readonly Figure[];
}

/** One sentence of a condition: [figure] [comparison] [value], each a field. */
export function LeafFields({ path, figures }: Props) {
  const t = useText(conditionText);
  const language = useLanguage();
  const { value, set } = usePlace<Leaf>(path);
  const leaf = value as Leaf;
  const figure = figures.find(each => each.name === leaf.figure);
  const by = comparisonOf(leaf);
  const change = (next: Partial<Leaf>): void => set({ ...leaf, ...next });
  const choose = (name: string): void => {
    const next = figures.find(each => each.name === name);
    if (next) {
      set(ofFigure(leaf, next, figure));
    }
  };
  const names = comparisonsOf(figure);
  const searched = new Map(figures.map(each => [each.name, `${each.zh} ${each.en} ${each.name}`]));
  return (
    <span className={styles.sentence}>
      <Field path={joined(path, "figure")} label={t.figure} inline>
        {control => (
          <Select
            {...control}
            className={styles.figure}
            placeholder={t.chooseFigure}
            value={leaf.figure || undefined}
            showSearch={{
              filterOption: (text, option) =>
                found(text, searched.get(String((option as { value?: string } | undefined)?.value))),
            }}
            popupMatchSelectWidth={false}
            options={figureOptions(figures, language)}
            title={figure?.[language === "zh" ? "meaning_zh" : "meaning_en"]}
            onChange={choose}
          />
        )}
      </Field>
      <Field path={joined(path, "op")} label={t.comparison} inline>
        {control => (
          <Select
            {...control}
            value={by || undefined}
            popupMatchSelectWidth={false}
            options={[...new Set([...names, by])]
              .filter(Boolean)
              .map(each => ({ value: each, label: comparisonName(each, language) }))}
            onChange={next => set(compared(leaf, next))}
          />
        )}
      </Field>
      {by === "falls" || by === "rises" ? (
        <>
          <Field path={joined(path, `${by}_percent`)} label={t.percent} inline>
            {control => (
              <InputNumber
                {...control}
                className={styles.short}
                precision={0}
                value={by === "falls" ? leaf.falls_percent : leaf.rises_percent}
                onChange={next => next !== null && change({ [`${by}_percent`]: next })}
              />
            )}
          </Field>
          {t.orMore}
          <Field path={joined(path, "months")} label={t.months} inline>
            {control => (
              <InputNumber
                {...control}
                className={styles.short}
                precision={0}
                value={leaf.months}
                onChange={next => next !== null && change({ months: next })}
              />
            )}
          </Field>
          {t.monthsMean}
        </>
      ) : by === "known" ? null : (
        <>
          <ValueField path={joined(path, "value")} figure={figure} isMany={by === "in"} />
          {figure?.monthly && (
            <>
              {t.forMonths}
              <Field path={joined(path, "for_months")} label={t.forMonths} inline>
                {control => (
                  <InputNumber
                    {...control}
                    className={styles.short}
                    precision={0}
                    value={leaf.for_months ?? 1}
                    onChange={next => change({ for_months: next === null || next === 1 ? undefined : next })}
                  />
                )}
              </Field>
              {t.inRow}
            </>
          )}
        </>
      )}
    </span>
  );
}

/** What a figure is compared with: money in yuan, codes in words, yes or no. */
function ValueField({ path, figure, isMany }: { path: string; figure: Figure | undefined; isMany: boolean }) {
  const t = useText(conditionText);
  const language = useLanguage();
  const { value, set } = usePlace(path);
  const scale = figure?.unit === "fen" ? 100 : 1;
  const unit = figure?.[language === "zh" ? "unit_zh" : "unit_en"];
  const known = figure?.values.map(each => ({ value: each.code, label: each[language] })) ?? [];
  return (
    <>
      <Field path={path} label={t.value} inline>
        {control => {
          if (figure?.type === "bool") {
            return (
              <Select
                {...control}
                value={value === undefined ? undefined : value === true ? 1 : 0}
                options={[
                  { value: 1, label: t.yes },
                  { value: 0, label: t.no },
                ]}
                onChange={next => set(next === 1)}
              />
            );
          }
          if (isMany) {
            const values = Array.isArray(value) ? value : [];
            return (
              <Select
                {...control}
                className={styles.values}
                mode={known.length ? "multiple" : "tags"}
                open={known.length ? undefined : false}
                tokenSeparators={[",", "，", "、", " "]}
                value={values.map(each => (typeof each === "number" ? String(each / scale) : each))}
                options={known}
                onChange={next => set(next.map(each => (figure?.type === "int" ? whole(each, scale) : each)))}
              />
            );
          }
          if (known.length) {
            return (
              <Select
                {...control}
                className={styles.figure}
                value={value as string | undefined}
                options={known}
                onChange={set}
              />
            );
          }
          if (figure?.type === "str") {
            return (
              <Select
                {...control}
                className={styles.figure}
                mode="tags"
                maxCount={1}
                open={false}
                suffixIcon={null}
                value={typeof value === "string" ? [value] : []}
                onChange={next => set(next.at(-1))}
              />
            );
          }
          return (
            <InputNumber
              {...control}
              className={styles.number}
              precision={scale === 100 ? 2 : 0}
              value={typeof value === "number" ? value / scale : undefined}
              onChange={next => set(next === null ? undefined : Math.round(next * scale))}
            />
          );
        }}
      </Field>
      {unit && !isMany && <span>{unit}</span>}
    </>
  );
}

/** What was typed as a number, else as it is: the server says what is wrong with it. */
function whole(typed: string, scale: number): number | string {
  const n = Number(typed);
  return typed.trim() !== "" && Number.isFinite(n) ? Math.round(n * scale) : typed;
}

const found = (typed: string, search: string | undefined): boolean =>
  search?.toLowerCase().includes(typed.toLowerCase()) ?? false;

function figureOptions(figures: readonly Figure[], language: Language) {
  const t = conditionText[language];
  const families = [...new Set(figures.map(each => each.family))];
  return families.map(family => ({
    label: t.families[family as keyof typeof t.families] ?? family,
    title: family,
    options: figures
      .filter(each => each.family === family)
      .map(each => ({
        value: each.name,
        label: each[language],
        title: language === "zh" ? each.meaning_zh : each.meaning_en,
      })),
  }));
}
