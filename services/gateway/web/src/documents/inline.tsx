import { Input, InputNumber, Select } from "antd";
import styles from "./documents.module.css";
import { FaultsAt, Field, usePlace } from "./edit";
import { joined } from "./paths";

/** Fields that stand within a sentence, or under their name in a form; each says itself what is wrong with it. */

interface Placed {
  path: string;
  label?: string;
  inline?: boolean;
}

/** A whole number. Its bounds are the server's to tell: a field that turned 40 into 31 by itself would hide a slip. */
export function Num({ path, label, inline }: Placed) {
  const { value, set } = usePlace<number>(path);
  return (
    <Field path={path} label={label} inline={inline}>
      {control => (
        <InputNumber
          {...control}
          className={styles.short}
          precision={0}
          value={value}
          onChange={next => next !== null && set(next)}
        />
      )}
    </Field>
  );
}

export function Line({ path, label, maxLength = 200, hint }: Placed & { maxLength?: number; hint?: string }) {
  const { value, set } = usePlace<string>(path);
  return (
    <Field path={path} label={label}>
      {control => (
        <Input
          {...control}
          value={value ?? ""}
          placeholder={hint}
          maxLength={maxLength}
          onChange={event => set(event.target.value)}
        />
      )}
    </Field>
  );
}

export interface Choice {
  value: string;
  label: string;
}

export function OneOf({ path, label, inline, options }: Placed & { options: readonly Choice[] }) {
  const { value, set } = usePlace<string>(path);
  const known = options.some(each => each.value === value) || value === undefined;
  return (
    <Field path={path} label={label} inline={inline}>
      {control => (
        <Select
          {...control}
          value={value}
          popupMatchSelectWidth={false}
          // A value that is not known here stays what it is until somebody chooses another.
          options={known ? [...options] : [...options, { value, label: String(value) }]}
          onChange={set}
        />
      )}
    </Field>
  );
}

/** Several values: of these, or, without any to choose from, as they are typed. */
export function Several({ path, label, inline, options }: Placed & { options?: readonly Choice[] }) {
  const { value, set } = usePlace<(string | number)[]>(path);
  const values = Array.isArray(value) ? value : [];
  const isNumbers = values.length > 0 && values.every(each => typeof each === "number");
  return (
    <Field path={path} label={label} inline={inline}>
      {control => (
        <>
          <Select
            {...control}
            className={styles.several}
            mode={options ? "multiple" : "tags"}
            {...(options ? {} : { open: false, suffixIcon: null })}
            tokenSeparators={[",", "，", "、", "\n", " "]}
            maxTagCount={40}
            value={values.map(String)}
            options={options ? [...options] : undefined}
            onChange={next => set(next.map(each => (isNumbers && /^-?\d+$/.test(each) ? Number(each) : each)))}
          />
          {values.map((_, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: entries of a document have no name but their place
            <FaultsAt key={n} path={joined(path, n)} />
          ))}
        </>
      )}
    </Field>
  );
}

export const choices = (words: Readonly<Record<string, string>>, values = Object.keys(words)): Choice[] =>
  values.map(value => ({ value, label: words[value] ?? value }));
