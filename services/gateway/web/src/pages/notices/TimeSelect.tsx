import { Select } from "antd";
import { halfHours } from "./choices";
import styles from "./notices.module.css";

interface Props {
  label: string;
  disabled?: boolean;
  /** `HH:MM`; given by the form, as the others are. */
  value?: string;
  onChange?: (value: string) => void;
  id?: string;
}

/** A time of day, by half hours. */
export function TimeSelect({ label, value, ...field }: Props) {
  return (
    <Select
      {...field}
      aria-label={label}
      className={styles.time}
      value={value}
      options={halfHours(value).map(time => ({ value: time, label: time }))}
    />
  );
}
